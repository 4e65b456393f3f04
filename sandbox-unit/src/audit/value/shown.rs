//! Values as they could be written.

use super::{NAMESPACES, Value};
use crate::capability::CAPABILITIES;

/// The bits that stand for a capability.
fn known_capabilities(set: u64) -> u64 {
    set & ((1 << CAPABILITIES.len()) - 1)
}

/// A value as it could be written.
#[must_use]
pub fn shown(value: &Value) -> String {
    let flag = |on: bool| if on { "yes" } else { "no" };
    match value {
        Value::Flag(on) => flag(*on).to_owned(),
        Value::Tristate(state) => state.map_or("", flag).to_owned(),
        Value::Word(word) => (*word).to_owned(),
        Value::Mode(mode) => format!("{mode:04o}"),
        Value::Capabilities(set) => {
            let set = known_capabilities(*set);
            let names = |wanted: bool| {
                let numbered = CAPABILITIES.iter().enumerate();
                let names =
                    numbered.filter(move |(number, _)| (set >> number & 1 == 1) == wanted).map(|(_, name)| *name);
                names.collect::<Vec<_>>().join(" ")
            };
            if set.count_ones() > 20 { format!("~{}", names(false)) } else { names(true) }
        }
        Value::Namespaces(None) => "no".to_owned(),
        Value::Namespaces(Some(0)) => "yes".to_owned(),
        Value::Namespaces(Some(set)) => {
            let kinds = NAMESPACES.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, kind)| *kind);
            kinds.collect::<Vec<_>>().join(" ")
        }
        Value::Families(None) | Value::Calls(None) => String::new(),
        Value::Families(Some(families)) if families.allow && families.set.is_empty() => "none".to_owned(),
        Value::Families(Some(families)) => {
            let names: Vec<&str> = families.set.iter().copied().collect();
            format!("{}{}", if families.allow { "" } else { "~" }, names.join(" "))
        }
        Value::Calls(Some(calls)) => {
            let what = if calls.allow { "calls allowed" } else { "calls refused" };
            format!("{} {what}", calls.set.len())
        }
        Value::Set(words) => words.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        Value::Networks(networks) => networks
            .iter()
            .map(|network| format!("{}/{}", network.address, network.prefix))
            .collect::<Vec<_>>()
            .join(" "),
        Value::Credentials(held) => held.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        Value::List(items) => items.join(" "),
        Value::Text(text) => text.clone().unwrap_or_default(),
    }
}
