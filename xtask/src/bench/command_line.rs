//! The command line as a report may show it.

/// Options whose value is a secret.
const SECRETS: &[&str] = &["--token"];

/// What was typed, without secrets, and quoted as a shell wants it.
pub(super) fn command_line(arguments: impl IntoIterator<Item = String>) -> String {
    let mut words = vec!["cargo".to_owned(), "xtask".to_owned()];
    let mut is_secret = false;
    for argument in arguments {
        let secret =
            SECRETS.iter().find(|secret| argument.strip_prefix(**secret).is_some_and(|value| value.starts_with('=')));
        words.push(match secret {
            _ if is_secret => "…".to_owned(),
            Some(secret) => format!("{secret}=…"),
            None => quoted(&without_credentials(&argument)),
        });
        is_secret = !is_secret && SECRETS.contains(&argument.as_str());
    }
    words.join(" ")
}

/// A URL without user, password and settings, none of which belong there.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_secrets_left_out() {
        let line = |words: &[&str]| command_line(words.iter().map(|word| (*word).to_owned()));
        assert_eq!(line(&["bench", "--rtt", "30ms"]), "cargo xtask bench --rtt 30ms");
        assert_eq!(line(&["bench", "--json", "my file's"]), r"cargo xtask bench --json 'my file'\''s'");
        assert_eq!(line(&["bench", "--token", "s3cret", "--quick"]), "cargo xtask bench --token … --quick");
        assert_eq!(line(&["bench", "--token=s3cret", "--url", ""]), "cargo xtask bench --token=… --url ''");
        assert_eq!(line(&["--url", "http://u:p@host/x?authToken=y"]), "cargo xtask --url http://host/x");
        assert_eq!(line(&["bench", "--token", "--token", "x"]), "cargo xtask bench --token … x");
    }
}
