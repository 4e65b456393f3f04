//! Users and groups (`valid_user_group_name()` of systemd's src/basic/user-util.c).

use super::{Fatal, Line};
use crate::unit::{Splitting, split};

/// A number that can be a user's: decimal, and none of the two that stand for nobody at all.
fn is_id(name: &str) -> bool {
    let plain =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    plain && name.parse::<u32>().is_ok_and(|id| id != u32::MAX && id != u32::from(u16::MAX))
}

/// What `User=` takes: nearly any name, as others than passwd tell of users.
fn is_name(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_id(name)
        || (!name.is_empty()
            && !digits(name)
            && !name.strip_prefix('-').is_some_and(digits)
            && !name.contains(|character: char| character.is_ascii_control() || matches!(character, ':' | '/'))
            && !name.starts_with([' ', '\t'])
            && !name.ends_with([' ', '\t'])
            && name != "."
            && name != "..")
}

/// What every program takes for a name, so that systemd makes a dynamic user of it.
pub(crate) fn is_strict_name(name: &str) -> bool {
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    first && name.len() <= 31 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn expanded(text: &str, line: &mut Line) -> Result<String, Fatal> {
    let name = line.context.expand(text).map_err(|error| line.fatal(error.to_string()))?;
    if is_name(&name) { Ok(name) } else { Err(line.fatal(format!("`{name}` cannot be a user or group"))) }
}

pub(super) fn one(user: &mut Option<String>, line: &mut Line) -> Result<(), Fatal> {
    *user = if line.text.is_empty() { None } else { Some(expanded(line.text, line)?) };
    Ok(())
}

pub(super) fn several(users: &mut Vec<String>, line: &mut Line) -> Result<(), Fatal> {
    if line.text.is_empty() {
        users.clear();
        return Ok(());
    }
    for word in split(line.text, Splitting::PLAIN) {
        let word = word.map_err(|error| line.fatal(error.to_string()))?;
        users.push(expanded(&word.text, line)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nearly_all_names_are_taken() {
        for good in ["0", "1000", "web", "a b", "é", "www-data", "-x", "DOMAIN\\user"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "007", "65535", "4294967295", "99999999999", "-5", "a:b", "a/b", ".", "..", " x"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(
            is_strict_name("hello-web_2")
                && !is_strict_name("2x")
                && !is_strict_name("a.b")
                && !is_strict_name(&"x".repeat(32))
        );
    }
}
