//! What is offered to CI: the workflow, the action, GitLab's jobs and the hooks run as they are written, each step in turn, in a
//! repository with a main branch; only what the hosted service does itself is left out.

use crate::documentation::page::Repository;
use crate::project::{root, tool};
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

/// The steps that a hosted service carries out, and nobody else can.
const HOSTED: [&str; 3] = ["actions/checkout@v4", "github/codeql-action/upload-sarif@v3", "actions/upload-artifact@v4"];

/// A file of this repository, as YAML.
fn yaml(path: &str) -> Yaml {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")).remove(0)
}

/// A repository whose main branch holds the units, with what a runner sets.
struct Checkout {
    repository: Repository,
    folder: PathBuf,
    temporary: PathBuf,
}

impl Checkout {
    fn new() -> Self {
        tool();
        let repository = Repository::new();
        let (folder, temporary) = (repository.package(), repository.outside("runner"));
        let checkout = Self { repository, folder, temporary };
        checkout.sh(
            "git init --quiet --initial-branch main . && git config user.email ci@example.org && git config user.name ci\n\
             printf '/target\\n' > .gitignore\n\
             cargo sandbox-unit emit --out-dir dist/systemd\n\
             git add . && git commit --quiet --message units && git remote add origin . && git fetch --quiet origin\n\
             git switch --quiet --create change\n",
        );
        checkout
    }

    /// Runs what must succeed.
    fn sh(&self, script: &str) -> String {
        let (code, output) = self.run(script);
        assert_eq!(code, 0, "{script}\n{output}");
        output
    }

    /// Runs a step.
    fn run(&self, script: &str) -> (i32, String) {
        // Installing takes minutes; the program under test is found in the path.
        let installs = |line: &&str| line.trim_start().starts_with("cargo install --locked ");
        let (installed, rest): (Vec<&str>, Vec<&str>) = script.lines().partition(installs);
        assert!(installed.is_empty() || rest.is_empty(), "a step that installs does nothing else: {script}");
        let variables = [
            ("RUNNER_TEMP", self.temporary.display().to_string()),
            ("GITHUB_OUTPUT", self.temporary.join("output").display().to_string()),
            ("GITHUB_BASE_REF", "main".to_owned()),
            ("GITHUB_ACTION_PATH", root().display().to_string()),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main".to_owned()),
        ];
        let exports: String = variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        self.repository.run(&format!("{exports}{}", rest.join("\n")), false)
    }

    /// Takes a protection away, in the metadata and in the committed units.
    fn lose_a_protection(&self) {
        let manifest = self.folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let header = "[package.metadata.sandbox-unit.service.hello]\n";
        assert!(text.contains(header));
        let weaker = text.replace(header, &format!("{header}unit.Service.ProtectClock = false\n"));
        std::fs::write(manifest, weaker).unwrap();
        self.sh("cargo sandbox-unit emit --out-dir dist/systemd");
    }
}

/// A step with the values of its expressions in their places.
fn filled(script: &str, values: &[(&str, &str)]) -> String {
    let filled =
        values.iter().fold(script.to_owned(), |text, (name, value)| text.replace(&format!("${{{{ {name} }}}}"), value));
    assert!(!filled.contains("${{"), "nothing says what this stands for: {filled}");
    filled
}

/// What the shell steps of a job are; the others are ones that a hosted service carries out.
fn steps(job: &Yaml) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    for step in job["steps"].as_vec().unwrap() {
        match (step["run"].as_str(), step["uses"].as_str()) {
            (Some(run), None) => {
                let name = step["name"].as_str().or(step["id"].as_str()).unwrap_or(run);
                steps.push((name.to_owned(), run.to_owned()));
            }
            (None, Some(uses)) => assert!(HOSTED.contains(&uses), "{uses}"),
            other => panic!("{other:?}"),
        }
    }
    steps
}

/// Runs the steps of the workflow's first job, and tells which of them fails.
fn units_job(checkout: &Checkout) -> Option<String> {
    let workflow = yaml("docs/ci/github.yml");
    let steps = steps(&workflow["jobs"]["units"]);
    assert_eq!(steps.len(), 5);
    steps.into_iter().find(|(_, run)| checkout.run(run).0 != 0).map(|(name, _)| name)
}

#[test]
fn the_workflow_runs_as_it_is_written() {
    let checkout = Checkout::new();
    assert_eq!(units_job(&checkout), None);
    assert_sarif(&checkout.folder.join("audit.sarif"));
    let output = std::fs::read_to_string(checkout.temporary.join("output")).unwrap();
    let matrix: serde_json::Value = serde_json::from_str(output.strip_prefix("matrix=").unwrap()).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    let workflow = yaml("docs/ci/github.yml");
    let verify = &workflow["jobs"]["verify"];
    assert_eq!(verify["strategy"]["matrix"].as_str(), Some("${{ fromJson(needs.units.outputs.matrix) }}"));
    for (_, run) in steps(verify) {
        checkout.sh(&filled(&run, &[("matrix.args", jobs[0]["args"].as_str().unwrap())]));
    }
    assert_junit(&checkout.folder.join("sandbox.xml"), "hello.service on systemd 252");
}

#[test]
fn the_workflow_fails_for_a_unit_that_was_edited_and_for_a_protection_that_was_lost() {
    let checkout = Checkout::new();
    checkout.sh("sed -i 's/^ProtectClock=yes/ProtectClock=no/' dist/systemd/hello.service");
    assert_eq!(units_job(&checkout).as_deref(), Some("The committed units are those of Cargo.toml"));
    checkout.sh("git checkout --quiet dist");
    checkout.lose_a_protection();
    assert_eq!(units_job(&checkout).as_deref(), Some("No protection is lost"));
}

#[test]
fn the_action_runs_as_it_is_written() {
    let checkout = Checkout::new();
    let action = yaml("action.yml");
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let inputs = action["inputs"].as_hash().unwrap();
    let values = [("inputs.units", "dist/systemd"), ("inputs.threshold", "2.5"), ("inputs.args", "--locked")];
    assert_eq!(inputs.len(), values.len());
    let mut ran = 0;
    for step in action["runs"]["steps"].as_vec().unwrap() {
        assert_eq!(step["shell"].as_str(), Some("bash"), "a step of an action names its shell");
        let mut script = String::new();
        for (name, value) in step["env"].as_hash().into_iter().flatten() {
            let value = filled(value.as_str().unwrap(), &values);
            script.push_str(&format!("export {}='{value}'\n", name.as_str().unwrap()));
        }
        script.push_str(&filled(step["run"].as_str().unwrap(), &values));
        checkout.sh(&script);
        ran += 1;
    }
    assert_eq!(ran, 5);
    let output = |name: &str| checkout.folder.join(action["outputs"][name]["value"].as_str().unwrap());
    assert_sarif(&output("sarif"));
    assert_junit(&output("junit"), "hello.service");
}

#[test]
fn the_jobs_of_gitlab_run_as_they_are_written() {
    let checkout = Checkout::new();
    let jobs = yaml("docs/ci/gitlab.yml");
    for job in ["sandbox:units", "sandbox:diff", "sandbox:verify"] {
        let lines: Vec<&str> =
            jobs[job]["script"].as_vec().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let (install, rest) = lines.split_first().unwrap();
        assert_eq!(*install, "cargo install --locked cargo-sandbox-unit");
        checkout.sh(&rest.join("\n"));
    }
    let junit = jobs["sandbox:verify"]["artifacts"]["reports"]["junit"].as_str().unwrap();
    assert_junit(&checkout.folder.join(junit), "hello.service");
    checkout.lose_a_protection();
    checkout.sh("git worktree remove ../base");
    let diff: Vec<&str> =
        jobs["sandbox:diff"]["script"].as_vec().unwrap()[1..].iter().filter_map(Yaml::as_str).collect();
    assert_eq!(checkout.run(&diff.join("\n")).0, 1);
}

#[test]
fn the_hooks_run_as_they_are_written() {
    let checkout = Checkout::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let commands: Vec<String> = hooks
        .as_vec()
        .unwrap()
        .iter()
        .map(|hook| {
            assert_eq!(hook["language"].as_str(), Some("system"));
            let arguments =
                hook["args"].as_vec().into_iter().flatten().map(|word| format!(" {}", word.as_str().unwrap()));
            let files =
                if hook["pass_filenames"].as_bool() == Some(false) { "" } else { " dist/systemd/hello.service" };
            format!("{}{}{files}", hook["entry"].as_str().unwrap(), arguments.collect::<String>())
        })
        .collect();
    assert_eq!(commands.len(), 2);
    for command in &commands {
        checkout.sh(command);
    }
    checkout.sh("echo 'ProtectSytem=strict' >> dist/systemd/hello.service");
    for command in &commands {
        assert_eq!(checkout.run(command).0, 1, "{command}");
    }
}

/// That a code host takes this file.
fn assert_sarif(file: &Path) {
    let log = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(crate::audit::sarif().is_valid(&log), "{log:#}");
}

/// That this file is JUnit's XML with nothing but what holds, and names this suite.
fn assert_junit(file: &Path, suite: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let suites = document.root_element();
    assert!(suites.children().any(|one| one.attribute("name") == Some(suite)), "{text}");
    let count = |name: &str| suites.attribute(name).unwrap().parse::<usize>().unwrap();
    assert_eq!((count("failures"), count("errors")), (0, 0), "{text}");
    assert!(count("tests") > 150, "{text}");
}
