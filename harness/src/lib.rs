//! Boots hardened units in a real machine and proves both halves: the service works, and what it never needs fails.
//!
//! This is what `cargo sandbox-unit verify` stands on, and a library for the integration tests of a service:
//!
//! ```no_run
//! // tests/sandbox.rs
//! use predicates::str::contains;
//! use sandbox_unit_harness::service;
//! use sandbox_unit_harness::service::Action;
//!
//! # /* Rustdoc leaves tests out, and so would not compile this one.
//! #[test]
//! # */
//! fn visitors_are_greeted_and_nothing_else_is_possible() {
//!     let hello = service!("hello-http");
//!     hello.assert_works();
//!     hello.get("http://127.0.0.1/").assert().status(200).body(contains("hello, visitor"));
//!     hello.journal().assert().message(contains("listening on"));
//!     hello.assert_refused("write-usr");
//!     hello.assert_refused(Action::read("/etc/shadow"));
//!     hello.assert_allowed(Action::write("/var/lib/hello-http"));
//! }
//! # visitors_are_greeted_and_nothing_else_is_possible();
//! ```
//!
//! `cargo test` boots a machine, a copy-on-write copy of the running system with systemd in it, installs the unit that
//! follows from the package's `[package.metadata.sandbox-unit]` together with the binary that Cargo has just built, and asks
//! the service and its sandbox. There is no runtime to set up and nothing to clean up. This very test is one of the example
//! `hello-http`.
//!
//! # What it needs
//!
//! Linux with systemd, systemd-nspawn, and root. Where they are missing, the tests fail and say the remedy. To build as
//! yourself and run the tests as root:
//!
//! ```sh
//! CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='sudo -E' cargo test --test sandbox
//! ```
//!
//! # What there is to ask
//!
//! | | |
//! |---|---|
//! | [`start`](service::Service::start), [`stop`](service::Service::stop), [`restart`](service::Service::restart), [`is_active`](service::Service::is_active) | the service, or the socket or timer that starts it |
//! | [`get`](service::Service::get), [`post`](service::Service::post), [`request`](service::Service::request), [`tcp`](service::Service::tcp), [`unix`](service::Service::unix) | over its sockets, from inside the machine |
//! | [`exec`](service::Service::exec), [`inside`](service::Service::inside) | a command in the machine, as root; a command in the service's sandbox, as its user |
//! | [`journal`](service::Service::journal) | what it has written, and what systemd has written about it |
//! | [`assert_works`](service::Service::assert_works) | it starts, is ready, and the checks of its metadata succeed |
//! | [`assert_refused`](service::Service::assert_refused), [`assert_allowed`](service::Service::assert_allowed), [`assert_needed`](service::Service::assert_needed) | one action: of the catalogue, by name, or of your own: [`Action`](service::Action) |
//! | [`assert_holds`](service::Service::assert_holds) | the whole catalogue |
//!
//! What comes back is an [`Answer`](service::Answer): it gives access to what it holds, and `assert()` holds that against
//! texts and against predicates of the crate `predicates`, as `assert_cmd` does.
//!
//! No refusal counts without a control: the same action, in the same machine, outside the sandbox, must take effect. An
//! action that nobody could have carried out anyway fails the test.
//!
//! # One machine or many
//!
//! [`service!`] shares one machine among the tests of a process. They take turns, and each gets the service as new: 0.15
//! seconds. [`Service::of_package`](service::Service::of_package) and [`Service::of_unit`](service::Service::of_unit) boot a
//! machine for one test alone, in 0.5 seconds on two busy processors, and such tests run at the same time. The catalogue
//! takes a second, once a machine, when the first of its entries is asked for.
//!
//! cargo-nextest makes a process of each test, which then has a machine of its own. Measured on two
//! busy processors: the five tests of `hello-http` take 6.9 seconds with one machine that they share, and 6.8 with five; the
//! three of `worker` 4.1 and 5.2, those of `unix-echo` 3.2 and 5.0. Machines do not know of each other.
//!
//! A machine is gone with its process, also where that is killed.
//!
//! # When a test fails
//!
//! Its message says what was attempted, what came of it, what systemd and the journal say of the service, and which
//! directives of its unit have to do with it:
//!
//! ```text
//! failed: hello-http.service starts
//!   Job for hello-http.service failed because the control process exited with error code.
//! hello-http.service is activating (auto-restart), with result exit-code
//!   the program itself gave up with exit status 1
//!   SocketBindDeny=any may be the cause, or CapabilityBoundingSet=: "hello-http: cannot listen on [::]:80: Permission denied
//!   (os error 13)"; if the service needs it: listen = ["tcp:PORT"], which below 1024 brings the capability for it
//!   journal: Starting hello-http.service - Greets each visitor...
//! ```
//!
//! # The parts
//!
//! An [`engine`] boots an [`image`] into a [`machine`]; [`probe`] is the catalogue of forbidden actions; [`verify`]
//! runs controls, service and probes and judges them; [`report`] shows what came out; [`mod@service`] is what tests use.

pub mod engine;
pub mod fit;
pub mod harden;
pub mod image;
pub mod machine;
#[cfg(feature = "package")]
pub mod package;
pub mod probe;
pub mod prove;
pub mod record;
pub mod report;
pub mod service;
pub mod verify;
