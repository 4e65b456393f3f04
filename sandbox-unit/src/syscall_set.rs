//! The system-call groups that `SystemCallFilter=` knows, such as `@system-service`, by version of systemd.
//!
//! Source: `syscall_filter_sets` in systemd's src/shared/seccomp-util.c, versions 252.39, 254.26, 257.13 and 262. One
//! line a group in `syscall_set/VERSION.txt`: its name, then its members in systemd's order, which may be groups
//! themselves. The order matters: the first call that a filter gets wrong is the one that an audit names.

use crate::version::SystemdVersion;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// How many calls there can be; a test holds the tables against it.
const UNIVERSE: usize = 640;

/// A set of calls of one [`Groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSet([u64; UNIVERSE / 64]);

impl Default for CallSet {
    fn default() -> Self {
        Self([0; UNIVERSE / 64])
    }
}

impl CallSet {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Adds what is in `other`.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }

    /// Takes away what is in `other`.
    pub fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= !other);
    }

    /// How many are in it.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Every call that is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Whether all of it is in `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own & !other == 0)
    }

    fn holds(&self, index: u16) -> bool {
        self.0.get(usize::from(index) / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn of(index: u16) -> Self {
        let mut set = Self::default();
        if let Some(word) = set.0.get_mut(usize::from(index) / 64) {
            *word |= 1 << (index % 64);
        }
        set
    }
}

/// The groups of one version of systemd.
#[derive(Debug)]
pub struct Groups {
    version: u16,
    members: FxHashMap<&'static str, Vec<&'static str>>,
    calls: Vec<&'static str>,
    index: FxHashMap<&'static str, u16>,
    /// Every call of a group, groups within resolved, in systemd's order.
    flat: FxHashMap<&'static str, Vec<u16>>,
    sets: FxHashMap<&'static str, CallSet>,
}

static TABLES: LazyLock<[LazyLock<Groups>; 4]> = LazyLock::new(|| {
    [
        LazyLock::new(|| Groups::read(252, include_str!("syscall_set/252.txt"))),
        LazyLock::new(|| Groups::read(254, include_str!("syscall_set/254.txt"))),
        LazyLock::new(|| Groups::read(257, include_str!("syscall_set/257.txt"))),
        LazyLock::new(|| Groups::read(262, include_str!("syscall_set/262.txt"))),
    ]
});

impl Groups {
    /// The groups of a version: those of the newest table that is not newer, else of the oldest.
    #[must_use]
    pub fn of(version: SystemdVersion) -> &'static Self {
        let [of_252, of_254, of_257, of_262] = &*TABLES;
        match version.number() {
            ..254 => of_252,
            254..257 => of_254,
            257..262 => of_257,
            262.. => of_262,
        }
    }

    fn read(version: u16, text: &'static str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let members: FxHashMap<_, Vec<_>> = lines.map(|(name, members)| (name, members.split(' ').collect())).collect();
        let mut calls: Vec<&str> = members.values().flatten().copied().filter(|name| !name.starts_with('@')).collect();
        calls.sort_unstable();
        calls.dedup();
        let index = calls.iter().copied().zip(0..).collect();
        let mut groups =
            Self { version, members, calls, index, flat: FxHashMap::default(), sets: FxHashMap::default() };
        for name in groups.members.keys().copied().collect::<Vec<_>>() {
            let mut flat = Vec::new();
            groups.flatten(name, &mut flat);
            let mut set = CallSet::default();
            flat.iter().for_each(|index| set.add(&CallSet::of(*index)));
            groups.flat.insert(name, flat);
            groups.sets.insert(name, set);
        }
        groups
    }

    fn flatten(&self, name: &str, into: &mut Vec<u16>) {
        for member in self.members.get(name).into_iter().flatten() {
            match self.index.get(member) {
                Some(index) => into.push(*index),
                None => self.flatten(member, into),
            }
        }
    }

    /// The version that the table is of.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The names of the groups, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.members.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Whether there is a group of this name.
    #[must_use]
    pub fn is_group(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Whether some group names this call.
    #[must_use]
    pub fn is_call(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// What a word of a filter stands for: a group's calls, or one call; `None` where it is neither.
    #[must_use]
    pub fn set(&self, word: &str) -> Option<CallSet> {
        match self.sets.get(word) {
            Some(set) => Some(*set),
            None => self.index.get(word).map(|index| CallSet::of(*index)),
        }
    }

    /// Every call that some group names.
    #[must_use]
    pub fn named(&self) -> CallSet {
        let mut named = CallSet::default();
        self.sets.values().for_each(|set| named.add(set));
        named
    }

    /// A set in as few words as its groups allow: the largest groups that are wholly in it, then the other calls.
    #[must_use]
    pub fn words(&self, set: &CallSet) -> Vec<&'static str> {
        let mut groups: Vec<_> = self.sets.iter().filter(|(_, held)| !held.is_empty() && held.is_within(set)).collect();
        groups.sort_unstable_by_key(|(name, held)| (std::cmp::Reverse(held.len()), **name));
        let mut left = *set;
        let mut words = Vec::new();
        for (name, held) in groups {
            // A group that brings nothing more says nothing more.
            let mut rest = left;
            rest.remove(held);
            if rest != left && held.is_within(&left) {
                left = rest;
                words.push(*name);
            }
        }
        words.sort_unstable();
        let calls = self.calls.iter().zip(0..).filter(|(_, index)| left.holds(*index));
        words.extend(calls.map(|(call, _)| *call));
        words
    }

    /// The calls of a group, in systemd's order, that a set holds or leaves out, as asked, and that `architecture` has.
    pub fn calls(
        &self,
        group: &str,
        set: &CallSet,
        held: bool,
        architecture: Architecture,
    ) -> impl Iterator<Item = &'static str> {
        let flat = self.flat.get(group).map(Vec::as_slice).unwrap_or_default();
        let wanted = flat.iter().filter(move |index| set.holds(**index) == held);
        wanted
            .filter_map(|index| self.calls.get(usize::from(*index)).copied())
            .filter(move |call| architecture.has(call))
    }
}

/// A processor architecture, for the calls that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// x86-64.
    #[default]
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}

/// Calls of the groups that are scored which neither x86-64 nor 64-bit ARM has.
static ELSEWHERE: &[&str] = &[
    "bdflush",
    "break",
    "chown32",
    "clock_adjtime64",
    "clock_settime64",
    "fchown32",
    "ftime",
    "gtty",
    "idle",
    "lchown32",
    "lock",
    "mpx",
    "nice",
    "pciconfig_iobase",
    "pciconfig_read",
    "pciconfig_write",
    "prof",
    "profil",
    "rtas",
    "s390_pci_mmio_read",
    "s390_pci_mmio_write",
    "s390_runtime_instr",
    "setfsuid32",
    "setgroups32",
    "setresuid32",
    "setreuid32",
    "setuid32",
    "sgetmask",
    "ssetmask",
    "stime",
    "stty",
    "subpage_prot",
    "switch_endian",
    "sys_debug_setcontext",
    "ulimit",
    "umount",
    "vm86",
    "vm86old",
];

/// Calls of the groups that are scored which x86-64 has and 64-bit ARM has not.
static X86_64_ONLY: &[&str] = &[
    "_sysctl",
    "afs_syscall",
    "chown",
    "create_module",
    "get_kernel_syms",
    "getpmsg",
    "ioperm",
    "iopl",
    "lchown",
    "modify_ldt",
    "putpmsg",
    "query_module",
    "security",
    "sysfs",
    "tuxcall",
    "uselib",
    "ustat",
    "vserver",
];

impl Architecture {
    /// Whether it has this call: systemd skips those of a group that the machine has not. Known for the calls of the
    /// groups that are scored. Source: the tables of libseccomp 2.5.4 to 2.6.1.
    #[must_use]
    pub fn has(self, call: &str) -> bool {
        let missing = |names: &[&str]| names.binary_search(&call).is_ok();
        !missing(ELSEWHERE) && (self == Self::X86_64 || !missing(X86_64_ONLY))
    }
}

/// Whether there is a group of this name in the newest version.
#[must_use]
pub fn is_group(name: &str) -> bool {
    Groups::of(SystemdVersion::NEWEST).is_group(name)
}

/// Whether `group` holds `call` in the newest version, directly or through a group that it holds. A name that is no
/// group holds nothing.
#[must_use]
pub fn contains(group: &str, call: &str) -> bool {
    let groups = Groups::of(SystemdVersion::NEWEST);
    let index = groups.index.get(call);
    index.is_some_and(|index| groups.sets.get(group).is_some_and(|set| set.holds(*index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> [&'static Groups; 4] {
        [252, 254, 257, 262].map(|version| Groups::of(SystemdVersion::new(version)))
    }

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
    fn every_nested_group_is_known_and_the_universe_holds_all() {
        for groups in every() {
            assert!(groups.calls.len() <= UNIVERSE);
            for member in groups.members.values().flatten().filter(|member| member.starts_with('@')) {
                assert!(groups.is_group(member), "{member}");
            }
        }
    }

    #[test]
    fn versions_differ_as_they_do() {
        let [of_252, of_254, of_257, of_262] = every();
        assert!(!of_252.is_group("@sandbox") && of_254.is_group("@sandbox"));
        assert!(!of_254.is_call("mseal") && of_257.is_call("mseal"));
        let empty = CallSet::default();
        let mounts = |groups: &Groups| groups.calls("@mount", &empty, false, Architecture::X86_64).collect::<Vec<_>>();
        assert!(mounts(of_257).contains(&"open_tree") && !mounts(of_262).contains(&"open_tree"));
        assert_eq!(Groups::of(SystemdVersion::new(255)).version(), 254);
        assert_eq!(Groups::of(SystemdVersion::new(247)).version(), 252);
    }

    #[test]
    fn the_first_call_is_systemds_first_and_the_architecture_counts() {
        let groups = Groups::of(SystemdVersion::new(252));
        let count = |group, architecture| groups.calls(group, &CallSet::default(), false, architecture).count();
        let first = groups.calls("@privileged", &CallSet::default(), false, Architecture::Aarch64).next();
        assert_eq!(first, Some("fchown"));
        // The numbers of names that libseccomp resolves on the two.
        for (group, x86_64, aarch64) in [
            ("@clock", 4, 4),
            ("@cpu-emulation", 1, 0),
            ("@debug", 4, 4),
            ("@module", 3, 3),
            ("@mount", 11, 11),
            ("@obsolete", 13, 0),
            ("@privileged", 38, 33),
            ("@raw-io", 2, 0),
            ("@reboot", 3, 3),
            ("@resources", 12, 12),
            ("@swap", 2, 2),
        ] {
            assert_eq!(
                (count(group, Architecture::X86_64), count(group, Architecture::Aarch64)),
                (x86_64, aarch64),
                "{group}"
            );
        }
    }

    #[test]
    fn the_tables_of_architectures_are_sorted() {
        assert!(ELSEWHERE.is_sorted() && X86_64_ONLY.is_sorted());
    }
}
