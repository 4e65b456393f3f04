use super::*;
pub fn stage(canaries: &[&Canary]) -> Vec<Program> {
    canaries
        .iter()
        .map(|c| {
            let mut p = Program::default();
            if let Canary::File(path, mode) = c {
                let mut at = 1;
                while let Some(i) = path[at..].find('/') {
                    let d = p.text(&path[..at + i]);
                    let s = crate::syscall!(p, "mkdirat", program::AT_FDCWD, d, 0o755);
                    p.tolerate(s);
                    at += i + 1;
                }
                p.write_file(path, CANARY, *mode);
            }
            p
        })
        .collect()
}
