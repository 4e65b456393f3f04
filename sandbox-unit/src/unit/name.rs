//! Unit names: their parts, templates and instances, escaping (src/basic/unit-name.c, src/basic/unit-def.c).

/// The most bytes a name can have.
const LONGEST: usize = 255;

/// The types of units, as the last part of a name.
pub const TYPES: [&str; 11] =
    ["service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope"];

/// A valid unit name in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitName<'a> {
    /// The whole name.
    pub full: &'a str,
    /// What stands in front of `@`, or of the type where there is none.
    pub prefix: &'a str,
    /// What stands behind `@`: `Some("")` in a template.
    pub instance: Option<&'a str>,
    /// The type, without its dot.
    pub kind: &'a str,
}

impl<'a> UnitName<'a> {
    /// Takes a name apart; `None` if it is none.
    #[must_use]
    pub fn parse(full: &'a str) -> Option<Self> {
        let (stem, kind) = full.rsplit_once('.')?;
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        if full.len() > LONGEST || !TYPES.contains(&kind) || !stem.bytes().all(valid) {
            return None;
        }
        let (prefix, instance) = stem.split_once('@').map_or((stem, None), |(prefix, rest)| (prefix, Some(rest)));
        (!prefix.is_empty()).then_some(Self { full, prefix, instance, kind })
    }

    /// Whether it is a template, which needs an instance to be loaded.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.instance == Some("")
    }

    /// The template that an instance comes from.
    #[must_use]
    pub fn template(&self) -> Option<String> {
        let is_instance = self.instance.is_some_and(|instance| !instance.is_empty());
        is_instance.then(|| format!("{}@.{}", self.prefix, self.kind))
    }

    /// The name of this template with an instance.
    #[must_use]
    pub fn instantiate(&self, instance: &str) -> String {
        format!("{}@{instance}.{}", self.prefix, self.kind)
    }

    /// The name without its type.
    #[must_use]
    pub fn stem(&self) -> &'a str {
        self.full.get(..self.full.len() - self.kind.len() - 1).unwrap_or(self.full)
    }

    /// The names whose drop-ins hold for this unit, the most specific first: itself, its template, and for each dash
    /// in the prefix what stands up to it (`foo-bar-.service`, `foo-.service`). Not the type level `service`.
    #[must_use]
    pub fn drop_in_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.collect_names(&mut names);
        names
    }

    /// As `unit_file_find_dirs()` of src/shared/dropin.c goes: the name, then all that its template leads to, then all
    /// that its shortened prefix does. A template's shortened prefix is no template.
    fn collect_names(&self, names: &mut Vec<String>) {
        if names.iter().any(|name| name == self.full) {
            return;
        }
        names.push(self.full.to_owned());
        if let Some(template) = self.template()
            && let Some(template) = UnitName::parse(&template)
        {
            template.collect_names(names);
        }
        let Some(prefix) = self.shortened() else { return };
        let name = match self.instance {
            Some(instance) if !instance.is_empty() => format!("{prefix}@{instance}.{}", self.kind),
            _ => format!("{prefix}.{}", self.kind),
        };
        if let Some(name) = UnitName::parse(&name) {
            name.collect_names(names);
        }
    }

    /// The prefix up to and with its last dash that is not at its end.
    fn shortened(&self) -> Option<&'a str> {
        let inner = self.prefix.get(..self.prefix.len().checked_sub(1)?)?;
        inner.rfind('-').and_then(|place| self.prefix.get(..=place))
    }
}

/// A string as part of a unit name: `/` as `-`, and what a name cannot hold as `\xHH`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if place == 0 => escaped.push_str("\\x2e"),
            _ if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\x{byte:02x}")),
        }
    }
    escaped
}

/// What [`escape`] made this from; `None` where it is broken.
#[must_use]
pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'-' => bytes.push(b'/'),
            b'\\' => {
                let digits: String = (rest.next()? == b'x')
                    .then(|| [rest.next(), rest.next()])?
                    .into_iter()
                    .flatten()
                    .map(char::from)
                    .collect();
                let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                bytes.push(plain.then(|| u8::from_str_radix(&digits, 16).ok()).flatten()?);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A path as part of a unit name: without the outer slashes, the root as `-`; `None` where it has a `..` in it.
#[must_use]
pub fn escape_path(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return None;
    }
    Some(if parts.is_empty() { "-".to_owned() } else { escape(&parts.join("/")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart() {
        let name = UnitName::parse("a-b@x.y.service").expect("a name");
        assert_eq!((name.prefix, name.instance, name.kind, name.stem()), ("a-b", Some("x.y"), "service", "a-b@x.y"));
        assert_eq!(name.template().as_deref(), Some("a-b@.service"));
        assert!(UnitName::parse("a@.service").is_some_and(|name| name.is_template() && name.template().is_none()));
        for bad in [
            "a",
            "a.conf",
            ".service",
            "@x.service",
            "a b.service",
            "a/b.service",
            &format!("{}.service", "x".repeat(250)),
        ] {
            assert_eq!(UnitName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn drop_ins_are_found_from_the_most_specific_on() {
        let names = |name| UnitName::parse(name).expect("a name").drop_in_names();
        assert_eq!(names("a-b-c.service"), ["a-b-c.service", "a-b-.service", "a-.service"]);
        assert_eq!(
            names("a-b@i.service"),
            ["a-b@i.service", "a-b@.service", "a-.service", "a-@i.service", "a-@.service"]
        );
        assert_eq!(names("a.service"), ["a.service"]);
        assert_eq!(names("a-.service"), ["a-.service"]);
    }

    #[test]
    fn escaping_goes_both_ways() {
        assert_eq!(escape("a/b-c d.é"), "a-b\\x2dc\\x20d.\\xc3\\xa9");
        assert_eq!(unescape("a-b\\x2dc\\x20d.\\xc3\\xa9").as_deref(), Some("a/b-c d.é"));
        assert_eq!(escape(".x"), "\\x2ex");
        assert_eq!((unescape("\\q"), unescape("\\x2")), (None, None));
        assert_eq!(escape_path("/").as_deref(), Some("-"));
        assert_eq!(escape_path("//var//lib/.hidden/").as_deref(), Some("var-lib-.hidden"));
        assert_eq!(escape_path("/a/../b"), None);
    }
}
