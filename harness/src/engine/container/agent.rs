//! Whoever does in the machine what it is told: a verb of the prober (`prober/agent.rs`), of which everything is asked that
//! concerns the machine. Starting a command through the daemon takes as long as dozens of commands.

mod form;

pub(super) use form::{Answer, Request, ask};

use super::attached::{Attached, Input};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;
use tokio::sync::oneshot::{self, Sender};
use tokio::task::AbortHandle;

/// An agent, of which several can ask things at once. Its input ends when this is dropped.
pub(super) struct Agent {
    input: tokio::sync::Mutex<Input>,
    asked: Arc<Mutex<Asked>>,
    /// Takes its answers. (The connection has an end when neither half of it is there any more.)
    listening: AbortHandle,
}

/// What an agent was asked and has not answered.
#[derive(Default)]
struct Asked {
    last: u64,
    waiting: HashMap<u64, Sender<Answer>>,
    /// Nothing more can be asked of it.
    over: bool,
}

/// Takes a request back for which nobody waits any more.
struct Turn<'a> {
    agent: &'a Agent,
    number: u64,
    /// Whether all of it was said. Where not, what is said next would be taken for the rest of it.
    said: bool,
}

impl Agent {
    /// The agent at the other end, which is ready. Its answers are taken as they come.
    pub fn new(attached: Attached, runtime: &Runtime) -> Self {
        let Attached { input, mut output } = attached;
        let asked = Arc::<Mutex<Asked>>::default();
        let answered = Arc::clone(&asked);
        let listening = runtime.spawn(async move {
            while let Ok((number, answer)) = Answer::next(&mut output).await {
                let waits = lock(&answered).waiting.remove(&number);
                // It may have taken too long for whoever has asked.
                let _nobody_waits = waits.map(|waits| waits.send(answer));
            }
            let mut asked = lock(&answered);
            asked.over = true;
            asked.waiting.clear();
        });
        Self { input: tokio::sync::Mutex::new(input), asked, listening: listening.abort_handle() }
    }

    /// Whether something can be asked of it.
    pub fn is_there(&self) -> bool {
        !lock(&self.asked).over
    }

    /// Asks for something, and waits until it is done.
    ///
    /// # Errors
    /// It cannot be said, or the agent is no more.
    pub async fn ask(&self, request: &Request<'_>) -> io::Result<Answer> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (answer, answered) = oneshot::channel();
        let mut input = self.input.lock().await;
        let number = {
            let mut asked = lock(&self.asked);
            if asked.over {
                return Err(gone());
            }
            asked.last += 1;
            asked.last
        };
        let head = request.head(number)?;
        lock(&self.asked).waiting.insert(number, answer);
        let mut turn = Turn { agent: self, number, said: false };
        input.write(&[&head, request.input]).await?;
        turn.said = true;
        drop(input);
        answered.await.map_err(|_| gone())
    }

    /// Waits until nothing can be asked of it any more.
    pub async fn end(&self) {
        let (answer, answered) = oneshot::channel();
        {
            let mut asked = lock(&self.asked);
            if asked.over {
                return;
            }
            // No request has this number.
            asked.waiting.insert(0, answer);
        }
        let _never = answered.await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut asked = lock(&self.agent.asked);
        asked.waiting.remove(&self.number);
        asked.over |= !self.said;
    }
}

fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
