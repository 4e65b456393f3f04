//! Just enough XML 1.0 to be written: elements, attributes and text.

/// A document that is being written.
pub struct Xml {
    text: String,
    depth: usize,
}

impl Default for Xml {
    fn default() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), depth: 0 }
    }
}

impl Xml {
    pub fn open(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.tag(name, attributes, ">\n");
        self.depth += 1;
    }

    pub fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        self.text.push_str(&format!("</{name}>\n"));
    }

    pub fn empty(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.tag(name, attributes, "/>\n");
    }

    pub fn text(&mut self, name: &str, attributes: &[(&str, String)], text: &str) {
        self.tag(name, attributes, ">");
        self.text.push_str(&escaped(text, false));
        self.text.push_str(&format!("</{name}>\n"));
    }

    pub fn into_text(self) -> String {
        self.text
    }

    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, String)], end: &str) {
        self.indent();
        self.text.push_str(&format!("<{name}"));
        for (name, value) in attributes {
            self.text.push_str(&format!(" {name}=\"{}\"", escaped(value, true)));
        }
        self.text.push_str(end);
    }
}

/// A text as it stands between tags or in an attribute. What XML 1.0 cannot hold at all (production 2, `Char`) becomes U+FFFD.
fn escaped(text: &str, attribute: bool) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' if attribute => written.push_str("&quot;"),
            // A parser would make a blank of it.
            '\n' if attribute => written.push_str("&#10;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => {
                written.push(letter)
            }
            '\r' => written.push_str("&#13;"),
            _ => written.push('\u{fffd}'),
        }
    }
    written
}
