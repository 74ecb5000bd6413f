//! Questions to many nsqlookupds at once.

use std::future::{pending, poll_fn};
use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;

use super::{Asker, Failure, Lookupd};

/// What an nsqlookupd knows, as `host:port` of nsqds, or why it does not say.
pub(crate) type Answer = Result<Vec<String>, Failure>;

type Question<'a> = Pin<Box<dyn Future<Output = (Lookupd, Answer)> + Send + 'a>>;

/// The questions under way, one to each nsqlookupd at most: one that hangs holds up neither what the others know nor
/// the next time they are asked.
pub(crate) struct Survey<'a> {
    asker: &'a Asker,
    /// What is asked beside the path.
    parameter: Option<(&'a str, &'a str)>,
    asking: FuturesUnordered<Question<'a>>,
    asked: Vec<Asked>,
}

struct Asked {
    lookupd: Lookupd,
    /// It is to be asked again: the question may be older than what there is to know.
    again: bool,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(asker: &'a Asker, parameter: Option<(&'a str, &'a str)>) -> Self {
        Self {
            asker,
            parameter,
            asking: FuturesUnordered::new(),
            asked: Vec::new(),
        }
    }

    /// Asks `lookupd` now, or as soon as it has answered what it was asked before.
    pub(crate) fn ask(&mut self, lookupd: Lookupd) {
        if let Some(asked) = self
            .asked
            .iter_mut()
            .find(|asked| asked.lookupd.is_same(&lookupd))
        {
            asked.again = true;
            return;
        }
        self.asked.push(Asked {
            lookupd: lookupd.clone(),
            again: false,
        });
        let Self { asker, parameter, .. } = *self;
        self.asking.push(Box::pin(async move {
            let answer = asker.ask_patiently(&lookupd, parameter).await;
            (lookupd, answer)
        }));
    }

    /// The next answer, whoever gives it. Pending for ever while nobody is asked.
    ///
    /// # Cancel safety
    /// Dropping the future loses no answer.
    pub(crate) async fn next(&mut self) -> (Lookupd, Answer) {
        let next = poll_fn(|cx| Pin::new(&mut self.asking).poll_next(cx)).await;
        let Some((lookupd, answer)) = next else {
            return pending().await;
        };
        let at = self
            .asked
            .iter()
            .position(|asked| asked.lookupd.is_same(&lookupd));
        if let Some(at) = at
            && self.asked.swap_remove(at).again
        {
            self.ask(lookupd.clone());
        }
        (lookupd, answer)
    }
}
