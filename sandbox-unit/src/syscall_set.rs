//! The system-call groups that `SystemCallFilter=` knows, such as `@system-service`.
//!
//! Source: `syscall_filter_sets` in systemd's src/shared/seccomp-util.c, version 262. One line a group in
//! `syscall_set/262.txt`: its name, then its members, which may be groups themselves.

use std::collections::HashMap;
use std::sync::LazyLock;

static SETS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    include_str!("syscall_set/262.txt")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.collect()))
        })
        .collect()
});

/// Whether there is a group of this name.
#[must_use]
pub fn is_group(name: &str) -> bool {
    SETS.contains_key(name)
}

/// Whether `group` holds `call`, directly or through a group that it holds. A name that is no group holds nothing.
#[must_use]
pub fn contains(group: &str, call: &str) -> bool {
    SETS.get(group).is_some_and(|members| {
        members.iter().any(|member| *member == call || (member.starts_with('@') && contains(member, call)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_their_members_and_those_of_the_groups_within() {
        assert!(contains("@mount", "pivot_root"));
        assert!(contains("@system-service", "read"), "through @basic-io");
        assert!(contains("@privileged", "setuid"));
        assert!(!contains("@system-service", "ptrace"));
        assert!(!contains("@no-such-group", "read"));
        assert!(is_group("@default") && !is_group("read"));
    }

    #[test]
    fn every_nested_group_is_known() {
        for members in SETS.values() {
            for member in members.iter().filter(|member| member.starts_with('@')) {
                assert!(is_group(member), "{member}");
            }
        }
    }
}
