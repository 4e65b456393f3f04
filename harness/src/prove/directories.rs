//! The directories of a trial: two services with one state directory would take it away from each other.

use sandbox_unit::policy::Setting;
use sandbox_unit::spec::{self, Spec};
use sandbox_unit::unit::words;

/// The directories that systemd makes for a unit, and what they are called in a trial.
pub struct Directories {
    /// The name of each directive's top, the name in the unit, and the one in the trial.
    names: Vec<(&'static str, String, String)>,
}

/// Where the directories of a directive lie, if it is one that names some.
pub fn top(directive: &str) -> Option<&'static str> {
    spec::Directories::TOPS.iter().find(|(known, _)| *known == directive).map(|(_, top)| *top)
}

impl Directories {
    /// Those that the settings of a unit name, for the trial of this number.
    pub fn of(kept: &[Setting], number: usize) -> Self {
        let mut names = Vec::new();
        for setting in kept {
            let Some(top) = top(&setting.directive) else { continue };
            names.extend(words(&setting.value).into_iter().map(|word| {
                let name = word.split(':').next().unwrap_or_default().to_owned();
                let other = format!("{name}.sandbox-unit-{number}");
                (top, name, other)
            }));
        }
        // The longest first: one can lie in another.
        names.sort_by_key(|(_, name, _)| std::cmp::Reverse(name.len()));
        Self { names }
    }

    /// A setting's line with the names and paths of the trial.
    pub fn line(&self, setting: &Setting) -> String {
        let words = setting.value.split(' ');
        let words: Vec<String> = match top(&setting.directive) {
            Some(top) => words.map(|word| self.name(top, word)).collect(),
            None => words.map(|word| self.word(word)).collect(),
        };
        format!("{}={}\n", setting.directive, words.join(" "))
    }

    /// A name below this top, which links may follow, as it is in the trial.
    fn name(&self, top: &str, word: &str) -> String {
        for (_, name, other) in self.names.iter().filter(|(at, ..)| *at == top) {
            match word.strip_prefix(name.as_str()) {
                Some(rest) if rest.is_empty() || rest.starts_with(':') => return format!("{other}{rest}"),
                _ => {}
            }
        }
        word.to_owned()
    }

    /// A word, which may hold a path, as it is in the trial.
    pub fn word(&self, word: &str) -> String {
        for (top, name, other) in &self.names {
            for top in [(*top).to_owned(), format!("{top}/private")] {
                match word.split_once(&format!("{top}/{name}")) {
                    Some((before, rest)) if rest.is_empty() || rest.starts_with(['/', ':', '"']) => {
                        return format!("{before}{top}/{other}{rest}");
                    }
                    _ => {}
                }
            }
        }
        word.to_owned()
    }

    /// The spec with the directories of the trial.
    pub fn spec(&self, spec: &Spec) -> Spec {
        let mut spec = spec.clone();
        for (top, names) in spec.directories.below_tops_mut() {
            for name in names {
                if let Some((.., other)) = self.names.iter().find(|(at, known, _)| *at == top && known == name) {
                    name.clone_from(other);
                }
            }
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_directories_of_its_own_wherever_they_are_named() {
        let kept = [Setting::plain("StateDirectory", "hello"), Setting::plain("RuntimeDirectory", "hello")];
        let own = Directories::of(&kept, 7);
        let line = |directive: &str, value: &str| own.line(&Setting::plain(directive, value));
        assert_eq!(line("StateDirectory", "hello"), "StateDirectory=hello.sandbox-unit-7\n");
        assert_eq!(line("User", "hello"), "User=hello\n");
        assert_eq!(
            line("NoExecPaths", "/ -/var/lib/hello /run/hello/x /var/lib/hello2"),
            "NoExecPaths=/ -/var/lib/hello.sandbox-unit-7 /run/hello.sandbox-unit-7/x /var/lib/hello2\n"
        );
        let mut spec = Spec::bare("hello");
        spec.directories.state = vec!["hello".into()];
        assert_eq!(own.spec(&spec).directories.state, ["hello.sandbox-unit-7"]);
    }
}
