//! Places in the file system that directives speak of, and what lies below them.

use crate::unit::value::boolean;

/// What `ProtectHome=` hides (systemd.exec(5)).
pub const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Whether `path` is `top` or lies below it; everything lies below `/`, with or without its slash.
#[must_use]
pub fn is_below(path: &str, top: &str) -> bool {
    let top = top.trim_end_matches('/');
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `path` is in a place for home directories.
#[must_use]
pub fn in_home(path: &str) -> bool {
    HOMES.iter().any(|top| is_below(path, top))
}

/// What a value of `ProtectSystem=` makes read-only path by path (systemd.exec(5)); `strict` is for everything at once.
#[must_use]
pub fn protected(value: &str) -> &'static [&'static str] {
    const FULL: [&str; 4] = ["/usr", "/boot", "/efi", "/etc"];
    match (value, boolean(value)) {
        ("full", _) => &FULL,
        (_, Some(true)) => &FULL[..3],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_count() {
        assert!(
            is_below("/usr", "/usr") && is_below("/usr/lib", "/usr/") && is_below("/usr", "/") && is_below("/a", "")
        );
        assert!(!is_below("/usrlocal", "/usr") && !is_below("/", "/usr"));
        assert!(protected("full").contains(&"/etc") && !protected("true").contains(&"/etc"));
        assert!(protected("yes").contains(&"/usr") && protected("no").is_empty() && protected("strict").is_empty());
        assert!(in_home("/run/user/1") && !in_home("/run/users"));
    }
}
