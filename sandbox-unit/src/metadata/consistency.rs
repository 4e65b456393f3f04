//! What is right by itself, and cannot be right together.

use super::name;
use super::network;
use super::problem::Problem;
use super::raw::Raw;
use super::service::Draft;
use crate::directive::{self, Section};
use crate::need::Need;
use crate::spec::{Listen, ServiceType, User};
use crate::version::SystemdVersion;

/// The first version with `Type=notify-reload`.
const NOTIFY_RELOAD: SystemdVersion = SystemdVersion::new(253);

/// What cannot be right together within one service.
pub(super) fn within(draft: &Draft) {
    socket(draft);
    service_type(draft);
    user(draft);
    for raw in &draft.raw {
        version(raw, draft.spec.systemd);
        contradiction(raw, draft);
    }
    let listen = &draft.spec.listen;
    for (index, (second, place)) in listen.iter().zip(&draft.listen).enumerate() {
        if listen.iter().take(index).any(|first| network::clash(first, second)) {
            place.error(Problem::new(format!("`{second}` is listened on twice"), "the second listener"));
        }
    }
}

/// What cannot be right together among the services of one package.
pub(super) fn among(drafts: &[Draft]) {
    for (index, draft) in drafts.iter().enumerate() {
        let before = drafts.get(..index).unwrap_or_default();
        for (listen, place) in draft.spec.listen.iter().zip(&draft.listen) {
            let taken = |other: &&Draft| other.spec.listen.iter().any(|first| network::clash(first, listen));
            if let Some(other) = before.iter().find(taken) {
                let message = format!("`{listen}` is listened on by service `{}` already", other.spec.name);
                let help = "give each service a port or a path of its own";
                place.error(Problem::new(message, "the second listener").help(help));
            }
        }
        shared_directories(draft, before);
    }
}

fn socket(draft: &Draft) {
    if let Some(place) = &draft.socket
        && !draft.listens
    {
        let problem = Problem::new("`socket = true` without `listen`", "there is no socket to open");
        place.error(problem.help("say which, as in listen = [\"tcp:8080\"]"));
    }
    let several = |listen: &Listen| matches!(listen, Listen::Port { ports, .. } if ports.single().is_none());
    for (listen, place) in draft.spec.listen.iter().zip(&draft.listen).filter(|_| draft.spec.socket) {
        if several(listen) {
            let problem =
                Problem::new(format!("`{listen}` is no socket"), "with `socket = true`, each port is a socket");
            place.error(problem.help("name each port that systemd is to open, or leave `socket` out"));
        }
    }
    let no_port = |listen: &Listen| matches!(listen, Listen::Unix { .. });
    let wrong = draft.listens && draft.spec.listen.is_empty();
    if let Some(place) = &draft.clients
        && !wrong
        && draft.spec.listen.iter().all(no_port)
    {
        let problem = Problem::new("`clients` has no effect", "the service listens on no port");
        place.warning(problem.help("leave it out, or say in `listen` which ports there are"));
    }
}

fn service_type(draft: &Draft) {
    let Some(place) = &draft.kind else { return };
    let kind = draft.spec.service_type;
    if draft.spec.timer.is_some() && kind != ServiceType::Oneshot {
        let message = format!("type \"{}\" does not go with `timer`", kind.name());
        let problem = Problem::new(message, "what a timer starts runs to its end");
        place.error(problem.help("write \"oneshot\", or leave `type` out"));
    } else if kind == ServiceType::NotifyReload && draft.spec.systemd < NOTIFY_RELOAD {
        let message = format!("type \"notify-reload\" is not known to systemd {}", draft.spec.systemd);
        let problem = Problem::new(message, format!("came with {NOTIFY_RELOAD}"));
        place
            .error(problem.help(format!(
                "write \"notify\", or set systemd = {NOTIFY_RELOAD} in [package.metadata.sandbox-unit]"
            )));
    }
}

fn user(draft: &Draft) {
    let lasting = draft.spec.needs.iter().find(|need| need.lifts("DynamicUser"));
    if let (Some(place), User::Dynamic, Some(need)) = (&draft.user, &draft.spec.user, lasting) {
        let message = format!("the need `{}` needs a user that lasts", need.name());
        let problem = Problem::new(message, "a dynamic user is gone when the service stops");
        place.error(problem.help(format!("name one: user = \"{}\"", name::user_name_like(&draft.spec.name))));
    }
}

fn version(raw: &Raw, target: SystemdVersion) {
    let Some(known) = directive::find(&raw.setting.directive) else {
        return;
    };
    if !known.is_known_to(target) {
        let message = format!("systemd {target} does not know `{}`", known.name);
        let problem = Problem::new(message, format!("came with {}", known.since));
        raw.key.error(
            problem
                .help(format!("set systemd = {} in [package.metadata.sandbox-unit], or leave this out", known.since)),
        );
    }
}

/// A directive that denies what a need asks for.
fn contradiction(raw: &Raw, draft: &Draft) {
    if raw.section != Section::Service {
        return;
    }
    let name = &raw.setting.directive;
    let denies = |need: &&Need| raw.setting.values.iter().any(|value| need.is_denied_by(name, value));
    if let Some(need) = draft.spec.needs.iter().find(denies) {
        let need = need.name();
        let message = format!("`{name}={}` contradicts the need `{need}`", raw.setting.values.join(" "));
        let help = if raw.inherited {
            format!(
                "it holds for service `{}` as well: give that one another `{name}`, or drop `{need}`",
                draft.spec.name
            )
        } else {
            format!("leave it out, or drop `{need}` from `needs`")
        };
        raw.value.error(Problem::new(message, "denies what the need asks for").help(help));
    }
}

/// Two dynamic users take one directory from each other, at each start.
fn shared_directories(draft: &Draft, before: &[Draft]) {
    for (key, directory) in &draft.directories {
        let shares = |other: &&Draft| {
            let mut theirs = other.directories.iter();
            let same = theirs.any(|(other_key, other)| other_key == key && other.value == directory.value);
            same && other.spec.user == User::Dynamic
        };
        if *key != "config"
            && draft.spec.user == User::Dynamic
            && let Some(other) = before.iter().find(shares)
        {
            let message =
                format!("`{}` is the `{key}` directory of service `{}` as well", directory.value, other.spec.name);
            let problem = Problem::new(message, "two dynamic users take it from each other");
            let user = name::user_name_like(&draft.spec.package.name);
            directory.place.warning(problem.help(format!("give both services the same user: user = \"{user}\"")));
        }
    }
}
