//! From findings to problems.

use std::cmp::Reverse;
use std::collections::HashMap;

use nsq_runtime::Moment;

use super::{Deliveries, Entity, Finding, Severity, judge};
use crate::snapshot::View;

/// Looks in which something has to be found before it is a problem.
const LOOKS_TO_RAISE: u32 = 2;

/// Looks in which it must not be found before it is none.
const LOOKS_TO_CLEAR: u32 = 3;

/// More findings than anyone reads are not kept apart.
const FINDINGS_MAX: usize = 10_000;

/// Something that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// What was found last.
    pub(crate) finding: Finding,
    /// When it began, in milliseconds since 1970.
    pub(crate) since_ms: i64,
}

/// What is found, and for how long.
#[derive(Debug, Default)]
pub(crate) struct Health {
    watched: HashMap<(&'static str, Entity), Watched>,
    deliveries: Deliveries,
}

#[derive(Debug)]
struct Watched {
    finding: Finding,
    since: Moment,
    since_ms: i64,
    looks: u32,
    missed: u32,
    is_raised: bool,
}

impl Health {
    /// Looks at a view, and gives the problems, the worst first.
    pub(crate) fn look(&mut self, view: &View, now: Moment) -> Vec<Problem> {
        self.deliveries.observe(view, now);
        let findings = judge(view, &self.deliveries);
        self.observe(findings, now, view.at_ms)
    }

    /// Takes in what was found in a look, and gives the problems, the worst first.
    pub(super) fn observe(&mut self, findings: Vec<Finding>, now: Moment, now_ms: i64) -> Vec<Problem> {
        for watched in self.watched.values_mut() {
            watched.missed += 1;
        }
        for finding in findings.into_iter().take(FINDINGS_MAX) {
            let key = (finding.rule, finding.entity.clone());
            let watched = self.watched.entry(key).or_insert_with(|| Watched {
                finding: finding.clone(),
                since: now,
                since_ms: now_ms,
                looks: 0,
                missed: 0,
                is_raised: false,
            });
            watched.looks += 1;
            watched.missed = 0;
            watched.is_raised |= watched.looks >= LOOKS_TO_RAISE && now - watched.since >= finding.hold;
            watched.finding = finding;
        }
        self.watched.retain(|_, watched| {
            let patience = if watched.is_raised { LOOKS_TO_CLEAR } else { 1 };
            watched.missed < patience
        });
        let mut problems: Vec<_> = self
            .watched
            .values()
            .filter(|watched| watched.is_raised)
            .map(|watched| Problem {
                finding: watched.finding.clone(),
                since_ms: watched.since_ms,
            })
            .collect();
        problems.sort_by(|left, right| order(left).cmp(&order(right)));
        problems
    }
}

/// Severity, messages affected, age; and then something that does not change.
fn order(problem: &Problem) -> (Reverse<Severity>, Reverse<i64>, i64, &'static str, &Entity) {
    let finding = &problem.finding;
    (
        Reverse(finding.severity),
        Reverse(finding.affected),
        problem.since_ms,
        finding.rule,
        &finding.entity,
    )
}
