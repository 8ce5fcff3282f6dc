//! The colours of style.css can be told from what they stand on.

use std::collections::BTreeMap;

use super::STYLE;

/// The colours that a block of the style names.
fn colours(block: &str) -> BTreeMap<&str, [u8; 3]> {
    let named = block.split(';').filter_map(|part| part.split_once("--")?.1.split_once(": #"));
    let bytes = |hex: &str| {
        let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        Some([byte(0)?, byte(2)?, byte(4)?])
    };
    named.filter_map(|(name, hex)| Some((name, bytes(hex)?))).collect()
}

/// WCAG 2.2, definition of *contrast ratio*.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |[r, g, b]: [u8; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    f64::max(one / other, other / one)
}

#[test]
fn text_and_marks_stand_out_in_light_and_dark() {
    let themes: Vec<_> =
        STYLE.split(":root {").skip(1).map(|block| colours(block.split('}').next().unwrap())).collect();
    let [light, dark, ..] = &themes[..] else { panic!("two themes, not {}", themes.len()) };
    for theme in [light, dark] {
        // Level AA: 4.5 for text, 3 for graphics.
        for (text, paper) in [("ink", "page"), ("ink", "card"), ("soft", "page"), ("soft", "card"), ("accent", "card")]
        {
            assert!(contrast(theme[text], theme[paper]) >= 4.5, "{text} on {paper}");
        }
        for (text, paper) in [("ink", "ours"), ("soft", "ours"), ("good", "ours"), ("bad", "ours"), ("ink", "warn")] {
            assert!(contrast(theme[text], theme[paper]) >= 4.5, "{text} on {paper}");
        }
        for number in 0..8 {
            let mark = format!("s{number}");
            assert!(contrast(theme[mark.as_str()], theme["card"]) >= 3.0, "{mark}");
        }
    }
}
