//! Which nsqds a pool has, as nsqlookupds tell it.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Shared;
use crate::discovery::{Answer, Asker, Lookupd, Survey};

/// Follows what `lookupds` know until the pool is stopped. `began` is told once one of them has named an nsqd, or all
/// have been asked.
pub(super) async fn run(
    shared: Arc<Shared>,
    asker: Asker,
    lookupds: Vec<Lookupd>,
    began: oneshot::Sender<()>,
) {
    let mut survey = Survey::new(&asker, None);
    let mut findings = Findings::of(lookupds);
    let mut began = Some(began);
    let following = async {
        loop {
            for finding in &findings.0 {
                survey.ask(finding.lookupd.clone());
            }
            let mut next_poll = pin!(shared.clock.sleep(shared.config.lookupd_poll_interval));
            loop {
                if findings.are_enough()
                    && let Some(began) = began.take()
                {
                    // Nobody has to wait.
                    let _ = began.send(());
                }
                tokio::select! {
                    () = &mut next_poll => break,
                    (lookupd, answer) = survey.next() => {
                        findings.enter(&lookupd, answer, &shared);
                    }
                }
            }
        }
    };
    tokio::select! {
        () = following => {}
        () = shared.stop.triggered() => {}
    }
}

/// What each nsqlookupd has said last.
struct Findings(Vec<Finding>);

struct Finding {
    lookupd: Lookupd,
    said: Said,
}

enum Said {
    NothingYet,
    /// It could not be asked, and may know anything.
    Nothing,
    These(Vec<String>),
}

impl Findings {
    fn of(lookupds: Vec<Lookupd>) -> Self {
        let mut findings: Vec<Finding> = Vec::new();
        for lookupd in lookupds {
            if !findings.iter().any(|finding| finding.lookupd.is_same(&lookupd)) {
                let said = Said::NothingYet;
                findings.push(Finding { lookupd, said });
            }
        }
        Self(findings)
    }

    /// Whether there is somebody to publish to, or nobody left to ask.
    fn are_enough(&self) -> bool {
        let named = |finding: &Finding| matches!(&finding.said, Said::These(nsqds) if !nsqds.is_empty());
        let asked = |finding: &Finding| !matches!(finding.said, Said::NothingYet);
        self.0.iter().any(named) || self.0.iter().all(asked)
    }

    /// Takes in what an nsqlookupd knows. What none of them knows any more and cannot be reached is let go of.
    fn enter(&mut self, lookupd: &Lookupd, answer: Answer, shared: &Arc<Shared>) {
        let said = match answer {
            Ok(nsqds) => {
                for address in &nsqds {
                    if let Err(error) = shared.add(address.clone()) {
                        tracing::error!("({address}) cannot publish to what nsqlookupd has found - {error}");
                    }
                }
                Said::These(nsqds)
            }
            Err(failure) => {
                tracing::error!("error querying nsqlookupd ({}) - {failure}", lookupd.address);
                Said::Nothing
            }
        };
        if let Some(finding) = self.0.iter_mut().find(|finding| finding.lookupd.is_same(lookupd)) {
            finding.said = said;
        }
        if let Some(known) = self.all_known() {
            shared.forget_all_but(&known);
        }
    }

    /// What is known in all; `None` if somebody has not said what he knows.
    fn all_known(&self) -> Option<Vec<String>> {
        let mut known = Vec::new();
        for finding in &self.0 {
            match &finding.said {
                Said::These(nsqds) => known.extend_from_slice(nsqds),
                Said::NothingYet | Said::Nothing => return None,
            }
        }
        Some(known)
    }
}
