//! Exit statuses, of this program and of services that systemd could not start.

use super::{code, table};
use crate::EXIT_CODES;
use sandbox_unit::exit_status::EXIT_STATUSES;
use sandbox_unit::need::NEEDS;

pub fn statuses() -> String {
    let own = table(["status", "what it says"], EXIT_CODES.map(|(code, says)| [code.to_string(), says.to_owned()]));
    let systemd = table(
        ["status", "what went wrong", "can come from, most likely first", "needs that open it"],
        EXIT_STATUSES.iter().map(|status| {
            let causes: Vec<String> = status.causes.iter().map(|cause| code(cause)).collect();
            let opening: Vec<String> = NEEDS
                .iter()
                .filter(|need| {
                    status.causes.iter().any(|cause| need.effects.contains(&sandbox_unit::need::Effect::Lift(cause)))
                })
                .map(|need| code(need.name))
                .collect();
            [
                format!("{}/{}", status.code, status.name),
                status.meaning.to_owned(),
                causes.join(", "),
                opening.join(", "),
            ]
        }),
    );
    format!(
        "## Of `cargo sandbox-unit`\n\n{own}\n## Of a service\n\nThe journal has them as in `status=226/NAMESPACE`; `verify` explains them with the lines around.\n\n{systemd}"
    )
}
