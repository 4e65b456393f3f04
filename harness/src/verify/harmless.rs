//! What a service may not hold while it runs here: capabilities that reach the host through the kernel that both share.

use super::subject::Subject;
use sandbox_unit::opening::REACHING;
use sandbox_unit::refusal::Refusal;

/// Those of them that the unit keeps.
pub fn kept(subject: &Subject) -> Vec<&'static str> {
    let settings = subject.settings();
    REACHING.iter().copied().filter(|capability| Refusal::Capability(capability).by(&settings).is_empty()).collect()
}

/// A drop-in that takes them away: its path and its text.
pub fn drop_in(subject: &Subject, kept: &[&str]) -> (String, String) {
    let path = format!("/etc/systemd/system/{}.d/zz-sandbox-unit-harmless.conf", subject.unit());
    let list = kept.join(" ");
    let mut text = format!(
        "# These reach the host, whose kernel this machine shares.\n[Service]\nCapabilityBoundingSet=~{list}\n"
    );
    // On a unit that sets none, a line that only takes away would give all the others.
    if subject.settings().iter().any(|setting| setting.directive == "AmbientCapabilities") {
        text.push_str(&format!("AmbientCapabilities=~{list}\n"));
    }
    (path, text)
}

/// What the report says of it.
pub fn note(kept: &[&str]) -> String {
    format!(
        "while the service ran here, {} was taken from it: it reaches the host, whose kernel the machine shares. \
         The probes ran with it.",
        kept.join(", ")
    )
}
