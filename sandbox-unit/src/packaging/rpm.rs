//! RPM packages: the scriptlets, as the macros of systemd would write them where there is `rpmbuild` (`%systemd_post` and
//! the others of `/usr/lib/rpm/macros.d/macros.systemd`), for every distribution: no helper of one of them is called.
//!
//! RPM distributions leave it to presets (systemd.preset(5)) whether a unit is enabled, and start nothing on installation.
//! What services have written stays when a package is erased.

use super::{MADE_BY, Units, names, tree, words};
use crate::spec::Spec;

/// The scriptlets of a package. `$1` is how many versions of it there are when the scriptlet has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlets {
    /// Behind the installation: `post_install_script`.
    pub post: String,
    /// Ahead of the removal: `pre_uninstall_script`.
    pub preun: String,
    /// Behind the removal: `post_uninstall_script`.
    pub postun: String,
}

impl Scriptlets {
    /// The scriptlets with the names of their files.
    #[must_use]
    pub fn files(&self) -> [(&'static str, &str); 3] {
        [("post", &self.post), ("preun", &self.preun), ("postun", &self.postun)]
    }
}

/// The scriptlets for these services.
#[must_use]
pub fn scriptlets(specs: &[Spec]) -> Scriptlets {
    let tree = tree(specs);
    let units = Units::of(specs);
    let mut post = MADE_BY.to_owned();
    for (folder, command) in [("sysusers.d", "systemd-sysusers"), ("tmpfiles.d", "systemd-tmpfiles --create")] {
        let names = names(&tree, folder);
        if !names.is_empty() {
            post.push_str(&format!("{command} {} || :\n", words(names)));
        }
    }
    let running = "[ -d /run/systemd/system ]";
    post.push_str(&format!(
        "if [ $1 -eq 1 ]; then\n  systemctl --no-reload preset {} >/dev/null 2>&1 || :\nfi\n\
         if {running}; then\n  systemctl daemon-reload || :\nfi\n",
        words(&units.enabled)
    ));
    let preun = format!(
        "{MADE_BY}if [ $1 -eq 0 ]; then\n  systemctl --no-reload disable {} >/dev/null 2>&1 || :\n\
         \x20 if {running}; then\n    systemctl stop {} || :\n  fi\nfi\n",
        words(&units.enabled),
        words(units.all().iter())
    );
    let postun = format!(
        "{MADE_BY}if {running}; then\n  systemctl daemon-reload || :\n\
         \x20 if [ $1 -ge 1 ]; then\n    systemctl try-restart {} || :\n  fi\nfi\n",
        words(&units.restarted)
    );
    Scriptlets { post, preun, postun }
}
