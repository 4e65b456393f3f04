use super::*;
pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            id: "write-usr".into(),
            group: Group::FileWrites,
            action: "create a file in /usr".into(),
            refused_by: vec![Refusal::write("/usr")].into(),
            attempt: Attempt::Write("/usr".into()),
            canaries: &[],
        },
        Probe {
            id: "read-home".into(),
            group: Group::FileReads,
            action: "read a file in /home".into(),
            refused_by: vec![Refusal::read("/home/c/secret")].into(),
            attempt: Attempt::Read("/home/c/secret".into()),
            canaries: &[Canary::File("/home/c/secret", 0o644)],
        },
    ]
}
