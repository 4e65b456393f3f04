//! The fenced blocks of a page, and what is to be done with each.

/// One fenced block.
pub struct Block {
    /// Where its fence stands, from 1.
    pub line: usize,
    /// The language, and what follows it.
    pub info: String,
    /// What is between the fences.
    pub text: String,
}

/// What is done with it.
pub enum Deed<'a> {
    /// Run by a shell, in a repository of the reader's or in this one.
    Run { exit: i32, here: bool },
    /// Run by a shell, from the installation on, in a repository that declares nothing.
    Begin,
    /// Compared with what the block before has printed.
    Compare,
    /// Read as part of a manifest.
    Declare,
    /// Looked for in this file.
    Find(&'a str),
    /// Read as JSON.
    Json,
    /// Run by .ci/run.
    Elsewhere,
    /// Nothing, for a reason.
    Nothing,
    /// It says nothing that means anything.
    Unknown,
}

impl Block {
    /// Every block of a text.
    pub fn all(text: &str) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        let mut open = false;
        for (number, line) in text.lines().enumerate() {
            match line.trim_start().strip_prefix("```") {
                Some(info) if !open => {
                    blocks.push(Self { line: number + 1, info: info.trim().to_owned(), text: String::new() });
                    open = true;
                }
                Some(_) => open = false,
                None if open => {
                    let block = blocks.last_mut().unwrap();
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                None => {}
            }
        }
        assert!(!open, "a block without an end");
        blocks
    }

    /// What is to be done with it.
    pub fn deed(&self) -> Deed<'_> {
        let (language, rest) = self.info.split_once(' ').unwrap_or((&self.info, ""));
        let reason = |words: &str| rest.strip_prefix(words).is_some_and(|reason| reason.trim().len() >= 10);
        match (language, rest) {
            ("sh", "") => Deed::Run { exit: 0, here: false },
            ("sh", "in the repository") => Deed::Run { exit: 0, here: true },
            ("sh", "from nothing") => Deed::Begin,
            ("sh", "tests") => Deed::Elsewhere,
            ("sh", _) if reason("not run:") => Deed::Nothing,
            ("sh", rest) => match rest.strip_prefix("exit=").and_then(|exit| exit.parse().ok()) {
                Some(exit) => Deed::Run { exit, here: false },
                None => Deed::Unknown,
            },
            ("text", "") => Deed::Compare,
            ("text", _) if reason("not printed:") => Deed::Nothing,
            ("toml", "") => Deed::Declare,
            ("json", "") => Deed::Json,
            ("rust" | "yaml" | "toml", rest) => rest.strip_prefix("from ").map_or(Deed::Unknown, Deed::Find),
            _ => Deed::Unknown,
        }
    }
}
