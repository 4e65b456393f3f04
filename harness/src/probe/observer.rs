use super::*;
pub fn routes() -> Vec<Program> {
    vec![]
}
pub fn observe(probes: &[Probe], unit: &str) -> Vec<Program> {
    probes
        .iter()
        .flat_map(|p| Run::ALL.map(|r| p.attempt.trace(r, unit)))
        .flatten()
        .map(|t| {
            let mut p = Program::default();
            p.read_file(&t);
            p
        })
        .collect()
}
pub fn seen(probes: &[Probe], o: &[Outcome]) -> Vec<(usize, Run)> {
    let mut k = 0;
    let mut v = vec![];
    for (i, p) in probes.iter().enumerate() {
        for r in Run::ALL {
            if p.attempt.trace(r, "x").is_some() {
                if holds(&o[k].shown, CANARY) {
                    v.push((i, r));
                }
                k += 1;
            }
        }
    }
    v
}
