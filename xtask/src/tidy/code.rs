//! Rust source without what is not code.

/// A source text, and the same with blanks for comments and the insides of
/// strings, so that what is only quoted is not taken for code.
pub(super) struct Code<'a> {
    pub(super) text: &'a str,
    /// Of the same length as `text`, byte by byte.
    pub(super) code: String,
}

impl<'a> Code<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut code = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (length, quoted) = token(rest, code.as_bytes().last().copied());
            let (token, after) = rest.split_at(length.max(first.len_utf8()).min(rest.len()));
            if quoted {
                // A line end stays where it is, so that lines count alike.
                code.extend(token.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            } else {
                code.push_str(token);
            }
            rest = after;
        }
        Self { text, code }
    }

    /// The offsets at which `word` stands in the code.
    pub(super) fn find<'b>(&'b self, word: &'b str) -> impl Iterator<Item = usize> + 'b {
        self.code.match_indices(word).map(|(offset, _)| offset)
    }

    /// The line of an offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }
}

/// The length of what comes next, and whether it is a comment or a literal.
fn token(text: &str, before: Option<u8>) -> (usize, bool) {
    let until = |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |found| from + found + end.len());
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), true);
    }
    if text.starts_with("/*") {
        return (until(2, "*/"), true);
    }
    if text.starts_with('"') {
        return (string(text), true);
    }
    if text.starts_with('r') && !in_word {
        let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
        if text[1 + hashes..].starts_with('"') {
            return (until(hashes + 2, &format!("\"{}", "#".repeat(hashes))), true);
        }
    }
    // A lifetime has no second quote.
    if text.starts_with('\'') {
        let mut chars = text.char_indices().skip(1);
        let inside = chars.next();
        if inside.is_some_and(|(_, first)| first == '\\') {
            return (until(3.min(text.len()), "'"), true);
        }
        if let Some((end, '\'')) = chars.next() {
            return (end + 1, true);
        }
    }
    (1, false)
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return offset + 1,
            byte => escaped = byte == b'\\' && !escaped,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left_and_everything_stays_in_its_place() {
        let text = "let a = \"x\\\"y\"; // c\nf::<'a>('\"', '\\'', 'é', r#\"q\"z\"#); /* d\n */ for r in b\"\" {}\n";
        let code = Code::of(text);
        assert_eq!(code.code.len(), text.len());
        let words: Vec<_> = code.code.split_whitespace().collect();
        let expected = ["let", "a", "=", ";", "f::<'a>(", ",", ",", ",", ");", "for", "r", "in", "b", "{}"];
        assert_eq!(words, expected);
        assert_eq!(code.line(code.find("for ").next().unwrap()), 3);
    }
}
