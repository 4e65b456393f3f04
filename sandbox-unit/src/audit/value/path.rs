//! Paths.

use super::{Fatal, Line};
use crate::directive::Grammar;
use crate::unit::{Splitting, split};

/// The most bytes a path can have, and each of its parts.
const LONGEST_PATH: usize = 4095;
const LONGEST_PART: usize = 255;

/// An absolute path without double slashes and `.` parts; `None` where it is none, or holds `..`.
pub(crate) fn simplified(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let fits = path.len() <= LONGEST_PATH && parts.iter().all(|part| part.len() <= LONGEST_PART && *part != "..");
    fits.then(|| format!("/{}", parts.join("/")))
}

/// The path that a text stands for once its specifiers are expanded.
fn expanded(text: &str, line: &Line) -> Result<String, String> {
    let path = line.context.expand(text).map_err(|error| error.to_string())?;
    simplified(&path).ok_or_else(|| format!("`{path}` is not an absolute path without `..`"))
}

pub(super) fn one(present: &mut Option<String>, fatal: bool, line: &mut Line) -> Result<(), Fatal> {
    if line.text.is_empty() {
        *present = None;
        return Ok(());
    }
    match expanded(line.text, line) {
        Ok(path) => *present = Some(path),
        Err(message) if fatal => return Err(line.fatal(message)),
        Err(message) => line.ignore(message),
    }
    Ok(())
}

pub(super) fn working_directory(present: &mut Option<String>, line: &mut Line) -> Result<(), Fatal> {
    let (text, optional) = line.text.strip_prefix('-').map_or((line.text, false), |text| (text, true));
    if line.text.is_empty() || text == "~" {
        *present = Some(text.to_owned()).filter(|text| !text.is_empty());
        return Ok(());
    }
    match expanded(text, line) {
        Ok(path) => *present = Some(path),
        Err(message) if optional => line.ignore(message),
        Err(message) => return Err(line.fatal(message)),
    }
    Ok(())
}

pub(super) fn filter(paths: &mut Vec<String>, line: &mut Line) {
    if line.text.is_empty() {
        return paths.clear();
    }
    match expanded(line.text, line) {
        Ok(path) => paths.push(path),
        Err(message) => line.ignore(message),
    }
}

/// Lists of paths with marks in front and, in all but plain lists, fields behind colons.
pub(super) fn several(paths: &mut Vec<String>, grammar: Grammar, line: &mut Line) {
    if line.text.is_empty() {
        return paths.clear();
    }
    let splitting = if grammar == Grammar::Paths { Splitting::QUOTED } else { Splitting::TUPLES };
    for word in split(line.text, splitting) {
        let word = match word {
            Ok(word) => word,
            Err(error) => return line.skip(0..line.text.len(), error.to_string()),
        };
        let bare = word.text.trim_start_matches(['-', '+']);
        let marks = word.text.get(..word.text.len() - bare.len()).unwrap_or_default();
        let fields: Vec<String> = match grammar {
            Grammar::Paths => vec![bare.to_owned()],
            _ => split(bare, Splitting::FIELDS).map_while(Result::ok).map(|field| field.text).collect(),
        };
        // An image needs a place of its own: without one, or with one that is no path, it is skipped.
        let placed = fields.get(1).and_then(|place| line.context.expand(place).ok());
        if grammar == Grammar::Images && placed.and_then(|place| simplified(&place)).is_none() {
            line.skip(word.span, format!("`{}` does not say at which path to mount the image", word.text));
            continue;
        }
        let first = fields.first().map(String::as_str).unwrap_or_default();
        match expanded(first, line) {
            Ok(path) => {
                let rest: String = fields.iter().skip(1).map(|field| format!(":{field}")).collect();
                paths.push(format!("{marks}{path}{rest}"));
            }
            Err(message) => line.skip(word.span, message),
        }
    }
}

/// Partitions that an image policy can name, and how they can be protected (`systemd.image-policy(7)`).
const PARTITIONS: &[&str] = &[
    "root",
    "usr",
    "home",
    "srv",
    "esp",
    "xbootldr",
    "swap",
    "root-verity",
    "root-verity-sig",
    "usr-verity",
    "usr-verity-sig",
    "tmp",
    "var",
];
const PROTECTIONS: &[&str] = &[
    "verity",
    "signed",
    "encrypted",
    "unprotected",
    "unused",
    "absent",
    "open",
    "ignore",
    "read-only-off",
    "read-only-on",
    "growfs-off",
    "growfs-on",
];

/// An image policy: rules joined by colons, `PARTITION=PROTECTION+PROTECTION`, or one sign for all.
pub(super) fn image_policy(present: &mut Option<String>, line: &mut Line) -> Result<(), Fatal> {
    // Measured: 257 refuses partitions and protections that it does not know, 262 skips them.
    let lenient = line.version() >= 258;
    let mut named = Vec::new();
    let mut rule = |rule: &str| {
        let (partition, protections) = rule.split_once('=')?;
        let partition = partition.trim().to_owned();
        let known = partition.is_empty() || PARTITIONS.contains(&partition.as_str());
        let mut protections = protections.split('+').map(str::trim);
        let fits = protections.all(|one| one.is_empty() || PROTECTIONS.contains(&one)) && known;
        let repeated = known && named.contains(&partition);
        named.push(partition);
        ((fits || lenient) && !repeated).then_some(())
    };
    let valid = matches!(line.text, "" | "*" | "-" | "~") || line.text.split(':').all(|one| rule(one).is_some());
    if !valid {
        return Err(line.fatal(format!("`{}` is not an image policy", line.text)));
    }
    *present = Some(line.text.to_owned()).filter(|text| !text.is_empty());
    Ok(())
}

/// A name that a file could have: `LogNamespace=`.
pub(super) fn file_name(present: &mut Option<String>, line: &mut Line) {
    match line.context.expand(line.text) {
        Ok(name) if name.is_empty() => *present = None,
        Ok(name) if name.len() <= LONGEST_PART && !name.contains('/') && name != "." && name != ".." => {
            *present = Some(name)
        }
        Ok(name) => line.ignore(format!("`{name}` is not a name without slashes")),
        Err(error) => line.ignore(error.to_string()),
    }
}

/// A name on the bus, such as `org.example.Hello`.
pub(super) fn bus_name(present: &mut Option<String>, line: &mut Line) {
    let Ok(text) = line.context.expand(line.text) else { return line.ignore("a specifier is wrong") };
    let (name, unique) = text.strip_prefix(':').map_or((text.as_str(), false), |name| (name, true));
    let part = |part: &str| {
        let begins = part.starts_with(|first: char| {
            first.is_ascii_alphabetic() || matches!(first, '_' | '-') || (unique && first.is_ascii_digit())
        });
        begins && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if name.len() <= 255 && name.contains('.') && name.split('.').all(part) {
        *present = Some(text);
    } else {
        line.ignore(format!("`{}` is not a name on the bus", line.text));
    }
}

pub(super) fn label(present: &mut Option<String>, line: &mut Line) -> Result<(), Fatal> {
    if line.text.is_empty() {
        *present = None;
        return Ok(());
    }
    match line.context.expand(line.text) {
        Ok(label) => *present = Some(label),
        Err(error) if line.text.starts_with('-') => line.ignore(error.to_string()),
        Err(error) => return Err(line.fatal(error.to_string())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::simplified;

    #[test]
    fn paths_are_made_plain() {
        assert_eq!(simplified("//a/./b//").as_deref(), Some("/a/b"));
        assert_eq!(simplified("/").as_deref(), Some("/"));
        assert_eq!((simplified("a"), simplified("/a/../b"), simplified("")), (None, None, None));
    }
}
