//! Addresses, devices and capabilities that are granted.

use super::check;
use crate::audit::check::Assess::By;
use crate::audit::check::Assessment::{self, Badness};
use crate::audit::check::Check;
use crate::audit::load::Service;
use crate::audit::value::{Network, Value};
use std::collections::BTreeSet;

/// In systemd's order.
pub(super) static TABLE: &[Check] = &[
    check(
        "IPAddressDeny=",
        "IPAddressDeny",
        1000,
        10,
        By(addresses),
        "Addresses that it has no business with are refused",
        "Any address, or more than this machine, can be reached",
    ),
    check(
        "DeviceAllow=",
        "DeviceAllow",
        1000,
        10,
        By(devices),
        "Only harmless devices can be opened",
        "Devices can be opened",
    ),
    check(
        "AmbientCapabilities=",
        "AmbientCapabilities",
        500,
        1,
        By(ambient_capabilities),
        "It holds no capabilities without being root",
        "It holds capabilities without being root",
    ),
];

fn addresses(service: &Service) -> Assessment {
    if service.count("IPIngressFilterPath") + service.count("IPEgressFilterPath") > 0 {
        return Badness(0);
    }
    let none = BTreeSet::new();
    let networks = |name| match service.value(name) {
        Some(Value::Networks(networks)) => networks,
        _ => &none,
    };
    let denied = networks("IPAddressDeny");
    let all = |ipv4: bool| denied.iter().any(|network| network.prefix == 0 && network.address.is_ipv4() == ipv4);
    let allowed = networks("IPAddressAllow");
    Badness(match () {
        () if !all(true) || !all(false) => 10,
        () if allowed.is_empty() => 0,
        () if allowed.iter().all(Network::is_localhost) => 2,
        () => 5,
    })
}

fn devices(service: &Service) -> Assessment {
    Badness(match service.text("DevicePolicy") {
        Some("strict" | "closed") if service.count("DeviceAllow") == 0 => 0,
        Some("strict" | "closed") => 5,
        _ => 10,
    })
}

fn ambient_capabilities(service: &Service) -> Assessment {
    Badness(match service.value("AmbientCapabilities") {
        Some(Value::Capabilities(set)) => u64::from(*set != 0),
        _ => 0,
    })
}
