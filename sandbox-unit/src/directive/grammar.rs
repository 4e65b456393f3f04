//! What can stand behind `Directive=`.

use crate::unit::value::boolean;
use crate::version::SystemdVersion;

/// How a directive's value is read, several lines of it together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// A boolean; what is none is ignored.
    Boolean,
    /// A boolean; what is none keeps the unit from loading.
    FatalBoolean,
    /// A boolean, where an empty value goes back to the default; a plain boolean before `since`.
    Tristate {
        /// The first version that knows the third state.
        since: u16,
    },
    /// One of some words.
    Choice {
        /// The words, the weakest protection first.
        words: &'static [Choice],
        /// Whether `true`, `on` and their like stand for `yes`, `false` and theirs for `no`.
        booleans: bool,
    },
    /// `ProtectHostname=`: a boolean; since 258 also `private`, and a host name behind a colon.
    Hostname,
    /// An octal mode.
    Mode,
    /// Names of capabilities; `~` inverts.
    Capabilities,
    /// A boolean or kinds of namespaces; `~` inverts.
    Namespaces,
    /// `none` or address families; `~` inverts.
    Families,
    /// System calls and groups of them; `~` inverts.
    Calls,
    /// Architectures of system calls.
    Architectures,
    /// Networks.
    Addresses,
    /// A device with what may be done to it.
    Devices,
    /// A boolean or control group controllers; empty means yes.
    Delegation,
    /// A user or group; what cannot be one keeps the unit from loading.
    User,
    /// Several such.
    Users,
    /// An absolute path; what is none is ignored.
    Path,
    /// An absolute path; what is none keeps the unit from loading.
    FatalPath,
    /// `~` or an absolute path, with `-` in front if it may be missing; what is neither keeps the unit from loading.
    WorkingDirectory,
    /// Absolute paths, with `-` and `+` in front.
    Paths,
    /// Absolute paths that need not be paths of files: pinned BPF programs.
    FilterPaths,
    /// `SOURCE:DESTINATION:OPTIONS`; `BindPaths=` and `BindReadOnlyPaths=` share one list.
    Binds,
    /// `PATH:OPTIONS` and the like.
    Mounts,
    /// `IMAGE:PATH:OPTIONS`; one without a path is skipped.
    Images,
    /// What a disk image must be like; what says none keeps the unit from loading.
    ImagePolicy,
    /// Exit statuses and signals.
    Statuses,
    /// A name that a file could have.
    FileName,
    /// A name on the bus.
    BusName,
    /// Names below a folder for services.
    Directories,
    /// `ID:VALUE`, the last of an ID counts.
    Credentials,
    /// A security label, whose specifiers must be right.
    Label,
    /// A resource limit.
    Limit,
    /// A command line; a program that cannot be one keeps the unit from loading.
    Command,
    /// Words that add up over lines.
    List,
    /// Anything; the last line counts.
    Text,
}

/// One word that a directive takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// The first version that takes it.
    pub since: u16,
    /// The word that means the same, and stands for it.
    pub means: Option<&'static str>,
}

/// A word of its own.
pub(crate) const fn choice(word: &'static str, since: u16) -> Choice {
    Choice { word, since, means: None }
}

/// Another word for one.
pub(super) const fn alias(word: &'static str, since: u16, means: &'static str) -> Choice {
    Choice { word, since, means: Some(means) }
}

/// The word that a value stands for in this version, or `None` where systemd ignores the line.
#[must_use]
pub fn chosen(words: &'static [Choice], booleans: bool, value: &str, version: SystemdVersion) -> Option<&'static str> {
    let value = match boolean(value).filter(|_| booleans) {
        Some(true) => "yes",
        Some(false) => "no",
        None => value,
    };
    let found = words.iter().find(|choice| choice.word == value && choice.since <= version.number())?;
    Some(found.means.unwrap_or(found.word))
}

/// How strict a value is among those of its directive: the higher the stricter; `None` where there is no order.
#[must_use]
pub fn strictness(grammar: Grammar, value: &str) -> Option<usize> {
    match grammar {
        Grammar::Boolean | Grammar::FatalBoolean | Grammar::Tristate { .. } => boolean(value).map(usize::from),
        Grammar::Choice { words, booleans } => {
            let word = chosen(words, booleans, value, SystemdVersion::NEWEST)?;
            words.iter().position(|choice| choice.word == word)
        }
        Grammar::Hostname => match boolean(value.split(':').next().unwrap_or(value)) {
            Some(on) => Some(if on { 2 } else { 0 }),
            None => value.starts_with("private").then_some(1),
        },
        _ => None,
    }
}

impl Grammar {
    /// What can be written, in a few words.
    #[must_use]
    pub fn describe(self) -> String {
        let text = match self {
            Self::Boolean | Self::FatalBoolean => "yes or no",
            Self::Tristate { .. } => "yes or no; empty for the default",
            Self::Choice { words, .. } => {
                let words = words.iter().map(|choice| match choice.since {
                    0 => choice.word.to_owned(),
                    since => format!("{} (since {since})", choice.word),
                });
                return words.collect::<Vec<_>>().join(", ");
            }
            Self::Hostname => "yes or no; since 258 also private, and yes:NAME and private:NAME",
            Self::Mode => "an octal mode such as 0077",
            Self::Capabilities => "capabilities such as CAP_CHOWN; ~ in front: all but these",
            Self::Namespaces => "yes, no, or some of cgroup ipc net mnt pid user uts time; ~ in front: all but these",
            Self::Families => "none, or families such as AF_UNIX; ~ in front: all but these; empty for the default",
            Self::Calls => "system calls and groups such as @system-service; ~ in front: all but these; empty for none",
            Self::Architectures => "native, or architectures such as x86-64; empty for all",
            Self::Addresses => "networks such as 10.0.0.0/8, or any, localhost, link-local, multicast; empty for none",
            Self::Devices => "a device such as /dev/ttyS0 or char-rtc, then some of r, w, m; empty for none",
            Self::Delegation => "yes, no, or controllers such as cpu memory",
            Self::User => "a name or number",
            Self::Users => "names or numbers",
            Self::Path | Self::FatalPath => "an absolute path",
            Self::WorkingDirectory => "an absolute path, or ~ for the user's home; - in front if it may be missing",
            Self::Paths => "absolute paths; - in front: may be missing, + in front: below the service's own root",
            Self::FilterPaths => "the path of a pinned BPF program",
            Self::Binds => "SOURCE, SOURCE:DESTINATION or SOURCE:DESTINATION:rbind; - in front: may be missing",
            Self::Mounts => "paths, with options behind a colon",
            Self::Images => "IMAGE:PATH, with options behind a further colon; - in front: may be missing",
            Self::ImagePolicy => "partitions with protections, such as root=verity+signed:usr=absent, or *, -, ~",
            Self::Statuses => "exit statuses and signals",
            Self::FileName => "a name without slashes",
            Self::BusName => "a name such as org.example.Hello",
            Self::Directories => "names, not paths that begin with a slash",
            Self::Credentials => "a name, a colon, and where it comes from",
            Self::Label => "a label; - in front: failure is ignored",
            Self::Limit => "a number, SOFT:HARD, or infinity",
            Self::Command => "a program with its arguments; - + ! : @ in front change how it is run",
            Self::List => "words; further lines add to them, empty for none",
            Self::Text => "a word or a number",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directive::find;

    #[test]
    fn words_are_known_from_their_version_on() {
        let values = find("PrivateTmp").expect("known").values;
        let chosen = |value, version| match values {
            Grammar::Choice { words, booleans } => chosen(words, booleans, value, SystemdVersion::new(version)),
            _ => None,
        };
        assert_eq!((chosen("disconnected", 256), chosen("disconnected", 257)), (None, Some("disconnected")));
        assert_eq!(
            (chosen("connected", 257), chosen("TRUE", 252), chosen("0", 252)),
            (Some("yes"), Some("yes"), Some("no"))
        );
        assert_eq!((chosen("", 252), chosen("Yes please", 252)), (None, None));
    }

    #[test]
    fn values_have_an_order_where_there_is_one() {
        let rank = |name, value| strictness(find(name).expect("known").values, value);
        assert!(
            rank("ProtectSystem", "no") < rank("ProtectSystem", "on")
                && rank("ProtectSystem", "full") < rank("ProtectSystem", "strict")
        );
        assert!(rank("ProtectHome", "read-only") < rank("ProtectHome", "tmpfs"));
        assert!(rank("ProtectHostname", "private") < rank("ProtectHostname", "yes:box"));
        assert_eq!(rank("User", "x"), None);
    }
}
