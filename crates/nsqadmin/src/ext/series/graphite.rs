//! Lines that Graphite keeps.
//!
//! One request asks for all of them. Each is given a name by `alias`, since Graphite leaves out what it does not know.

use nsq_http::StatusCode;
use serde_json::{Value, json};

use super::{Query, line};
use crate::daemon::Admin;
use crate::ext::answer::Refusal;
use crate::graphite::{self, Series, target};

/// An address has to hold all of their expressions.
const LINES_MAX: usize = 32;

/// Series of Graphite have seconds.
const MS_PER_S: i64 = 1000;

impl Query {
    pub(super) async fn of_graphite(&self, admin: &Admin) -> Result<Value, Refusal> {
        let graphite = admin
            .options
            .graphite
            .as_ref()
            .ok_or_else(|| Refusal::invalid("no Graphite is configured (see --graphite-url)"))?;
        let interval_s = admin.options.statsd_interval.as_secs();
        let mut asked = Vec::new();
        for entity in &self.entities {
            for metric in &self.metrics {
                if let Some(target) = target(admin.options.raw(), interval_s, entity, metric) {
                    asked.push((entity.as_str(), metric.as_str(), target));
                }
            }
        }
        if asked.is_empty() || asked.len() > LINES_MAX {
            return Err(Refusal::invalid(format!(
                "Graphite has none of these, or they are more than {LINES_MAX}"
            )));
        }
        let request = self.request;
        let targets = asked
            .iter()
            .enumerate()
            .map(|(place, (.., target))| format!("alias({target},\"{place}\")"));
        let url = graphite::render_url(
            graphite,
            request.from_ms / MS_PER_S,
            request.to_ms / MS_PER_S,
            request.points_max,
            targets,
        );
        let series = graphite::series(admin, graphite, &url).await.map_err(|error| {
            tracing::warn!("graphite request failed - {error}");
            let detail = format!("Graphite at {}: {error}", graphite.join(""));
            Refusal::new(StatusCode::BAD_GATEWAY, "UPSTREAM_ERROR", detail)
        })?;
        let grid = Grid::of(&series, request.points_max);
        let lines = asked.iter().enumerate().map(|(place, (entity, metric, target))| {
            let name = place.to_string();
            let own = series.iter().find(|series| series.target == name);
            let mut line = line(entity, metric, own.map_or_else(Vec::new, |own| grid.place(own)));
            if let Value::Object(fields) = &mut line {
                fields.insert("target".to_owned(), target.as_str().into());
            }
            line
        });
        Ok(json!({
            "source": "graphite", "step_ms": grid.step_s * MS_PER_S, "from": grid.from_s * MS_PER_S,
            "series": lines.collect::<Vec<_>>(), "url": url,
        }))
    }
}

/// The times that all lines have in common: Graphite may answer each with times of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    from_s: i64,
    step_s: i64,
    len: usize,
}

impl Grid {
    fn of(series: &[Series], points_max: usize) -> Self {
        let times = || {
            series
                .iter()
                .flat_map(|series| series.datapoints.iter().map(|(_, at)| seconds(*at)))
        };
        let steps = series
            .iter()
            .filter_map(|series| match series.datapoints.as_slice() {
                [(_, first), (_, second), ..] => Some(seconds(*second).saturating_sub(seconds(*first))),
                _ => None,
            });
        let (Some(from_s), Some(to_s)) = (times().min(), times().max()) else {
            return Self {
                from_s: 0,
                step_s: 1,
                len: 0,
            };
        };
        let span = to_s.saturating_sub(from_s);
        // However odd the times are, there are no more points than were asked for.
        let least = span / i64::try_from(points_max).unwrap_or(1).max(1) + 1;
        let step_s = steps.max().unwrap_or(1).max(least).max(1);
        Self {
            from_s,
            step_s,
            len: usize::try_from(span / step_s + 1).unwrap_or(0).min(points_max),
        }
    }

    /// The points of a line at these times; the last of several at one.
    fn place(self, series: &Series) -> Vec<Option<f64>> {
        let mut values = vec![None; self.len];
        for (value, at) in &series.datapoints {
            let place = seconds(*at).saturating_sub(self.from_s) / self.step_s;
            let slot = usize::try_from(place)
                .ok()
                .and_then(|place| values.get_mut(place));
            if let (Some(slot), Some(value)) = (slot, value) {
                *slot = Some(*value);
            }
        }
        values
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn seconds(at: f64) -> i64 {
    at as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(Option<f64>, f64)]) -> Series {
        Series {
            target: "0".to_owned(),
            datapoints: points.to_vec(),
        }
    }

    #[test]
    fn lines_with_times_of_their_own_get_common_ones() {
        let fine = series(&[
            (Some(1.0), 100.0),
            (None, 110.0),
            (Some(3.0), 120.0),
            (Some(4.0), 130.0),
        ]);
        let coarse = series(&[(Some(7.0), 100.0), (Some(8.0), 120.0)]);
        let both = [fine, coarse];
        let grid = Grid::of(&both, 300);
        assert_eq!((grid.from_s, grid.step_s, grid.len), (100, 20, 2));
        assert_eq!(grid.place(&both[0]), [Some(1.0), Some(4.0)]);
        assert_eq!(grid.place(&both[1]), [Some(7.0), Some(8.0)]);
    }

    #[test]
    fn answers_without_sense_are_short_ones() {
        assert_eq!(Grid::of(&[], 300).len, 0);
        for points in [
            &[(Some(1.0), 5.0)][..],
            &[(Some(1.0), 5.0), (Some(1.0), 5.0)],
            &[(Some(1.0), f64::MIN), (Some(1.0), f64::MAX)],
            &[(Some(1.0), f64::NAN), (Some(1.0), -9e18)],
            &[(Some(1.0), 9e9), (Some(1.0), 1.0)],
        ] {
            let series = [series(points)];
            let grid = Grid::of(&series, 300);
            assert!(grid.len <= 300, "{points:?}");
            assert_eq!(grid.place(&series[0]).len(), grid.len);
        }
    }
}
