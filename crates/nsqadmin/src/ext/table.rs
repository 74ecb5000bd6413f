//! Tables: which rows, which columns, in which order, and only what has changed.

use std::cmp::Ordering;

use nsq_http::Params;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::answer::{Refusal, rounded};

/// The longest text that is searched for.
const Q_LEN_MAX: usize = 256;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Json(Value),
}

impl Cell {
    /// By value within a kind; what is not known is behind everything else, whichever way is sorted.
    fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let ordering = match (self, other) {
            (Self::Null, Self::Null) => return Ordering::Equal,
            (Self::Null, _) => return Ordering::Greater,
            (_, Self::Null) => return Ordering::Less,
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => Ordering::Equal,
        };
        if is_descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(rounded(*value)),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Float)
    }
}

impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

impl From<Vec<Option<f64>>> for Cell {
    fn from(values: Vec<Option<f64>>) -> Self {
        Self::Json(values.into_iter().map(|value| value.map(rounded)).collect())
    }
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// A row that can be shown in a table.
pub(super) trait Row {
    /// The names of its cells; the first is `key`.
    const COLS: &'static [&'static str];

    /// Its cells, in that order.
    fn cells(&self) -> Vec<Cell>;

    /// Whether `text`, in lower case, is found in it.
    fn has_text(&self, text: &str) -> bool;

    /// Whether a quick filter lets it through; `None` if there is no such filter.
    fn passes(&self, filter: &str) -> Option<bool>;

    /// The state of the snapshot in which it changed last; 0 if that is not known.
    fn changed(&self) -> u64 {
        0
    }
}

/// What of a table is wanted.
#[derive(Debug, Default)]
pub(super) struct TableQuery {
    q: String,
    filter: String,
    sort: String,
    is_descending: bool,
    limit: Option<usize>,
    offset: usize,
    cols: Vec<String>,
    since: Option<u64>,
    /// With small charts.
    pub(super) spark: bool,
}

impl TableQuery {
    pub(super) fn of(params: &Params<'_>) -> Result<Self, Refusal> {
        let text = |name: &str| {
            params
                .get(name)
                .map_or_else(String::new, std::borrow::Cow::into_owned)
        };
        let number = |name: &'static str| match params.get(name).as_deref() {
            None | Some("") => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| Refusal::invalid(format!("{name} is no number"))),
        };
        let q = text("q");
        if q.len() > Q_LEN_MAX {
            return Err(Refusal::invalid("q is too long"));
        }
        let size = |number: Option<u64>| number.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        Ok(Self {
            q: q.to_lowercase(),
            filter: text("f"),
            sort: text("sort"),
            is_descending: text("dir") == "desc",
            limit: size(number("limit")?),
            offset: size(number("offset")?).unwrap_or(0),
            cols: text("cols")
                .split(',')
                .filter(|col| !col.is_empty())
                .map(str::to_owned)
                .collect(),
            since: number("since")?,
            spark: matches!(text("spark").as_str(), "1" | "true"),
        })
    }

    /// The state since which changes are wanted, if nothing else is wanted that needs all rows.
    pub(super) fn since(&self) -> Option<u64> {
        let is_plain = self.q.is_empty()
            && self.filter.is_empty()
            && self.sort.is_empty()
            && self.limit.is_none()
            && self.offset == 0
            && !self.spark;
        self.since.filter(|_| is_plain)
    }
}

/// A table as it is answered.
#[derive(Debug, Serialize)]
pub(super) struct TableAnswer {
    pub(super) cols: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) removed: Vec<String>,
    pub(super) full: bool,
    pub(super) total: usize,
    pub(super) matched: usize,
}

/// All rows of a small table, as they are.
pub(super) fn whole<R: Row>(rows: &[R]) -> TableAnswer {
    TableAnswer {
        cols: R::COLS.to_vec(),
        rows: rows.iter().map(Row::cells).collect(),
        removed: Vec::new(),
        full: true,
        total: rows.len(),
        matched: rows.len(),
    }
}

/// A row as an object.
pub(super) fn object<R: Row>(row: &R) -> Value {
    let cells = row.cells();
    let pairs = R::COLS.iter().zip(cells).map(|(col, cell)| {
        let value = serde_json::to_value(cell).unwrap_or(Value::Null);
        ((*col).to_owned(), value)
    });
    Value::Object(pairs.collect())
}

/// The rows that `query` wants. `removed` gives the keys that have gone since a state, if that is still known. Sparks
/// are made by `spark` for the rows that are answered.
pub(super) fn select<'r, R: Row + 'r>(
    rows: impl IntoIterator<Item = &'r R>,
    query: &TableQuery,
    removed: impl FnOnce(u64) -> Option<Vec<String>>,
    sparks: &[&'static str],
    spark: impl Fn(&R) -> Vec<Cell>,
) -> Result<TableAnswer, Refusal> {
    let rows: Vec<&R> = rows.into_iter().collect();
    let total = rows.len();
    let delta = query.since().and_then(|since| Some((since, removed(since)?)));
    let mut matching = Vec::new();
    for row in rows {
        let is_new = delta.as_ref().is_none_or(|(since, _)| row.changed() > *since);
        let is_found = query.q.is_empty() || row.has_text(&query.q);
        let passes = match query.filter.as_str() {
            "" => true,
            filter => row
                .passes(filter)
                .ok_or_else(|| Refusal::invalid(format!("there is no filter {filter}")))?,
        };
        if is_new && is_found && passes {
            matching.push(row);
        }
    }
    let matched = matching.len();
    if !query.sort.is_empty() {
        let at = column::<R>(&query.sort)?;
        let mut keyed: Vec<_> = matching
            .into_iter()
            .map(|row| (row.cells().into_iter().nth(at).unwrap_or(Cell::Null), row))
            .collect();
        keyed.sort_by(|(left, _), (right, _)| left.compare(right, query.is_descending));
        matching = keyed.into_iter().map(|(_, row)| row).collect();
    }
    let page = matching
        .into_iter()
        .skip(query.offset)
        .take(query.limit.unwrap_or(usize::MAX));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for row in page {
        let mut cells = row.cells();
        if query.spark {
            cells.extend(spark(row));
        }
        rows.push(cells);
    }
    let mut cols = R::COLS.to_vec();
    if query.spark {
        cols.extend(sparks);
    }
    if !query.cols.is_empty() {
        let picked = picked(&cols, &query.cols)?;
        cols = picked.iter().filter_map(|at| cols.get(*at).copied()).collect();
        for row in &mut rows {
            *row = picked.iter().filter_map(|at| row.get(*at).cloned()).collect();
        }
    }
    let full = delta.is_none();
    Ok(TableAnswer {
        cols,
        rows,
        removed: delta.map_or_else(Vec::new, |(_, removed)| removed),
        full,
        total,
        matched: if full { matched } else { total },
    })
}

fn column<R: Row>(name: &str) -> Result<usize, Refusal> {
    R::COLS
        .iter()
        .position(|col| *col == name)
        .ok_or_else(|| Refusal::invalid(format!("there is no column {name}")))
}

/// The places of the wanted columns, the key first.
fn picked(cols: &[&str], wanted: &[String]) -> Result<Vec<usize>, Refusal> {
    let mut picked = vec![0];
    for name in wanted {
        let at = cols
            .iter()
            .position(|col| col == name)
            .ok_or_else(|| Refusal::invalid(format!("there is no column {name}")))?;
        if !picked.contains(&at) {
            picked.push(at);
        }
    }
    Ok(picked)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Number(i64, u64);

    impl Row for Number {
        const COLS: &'static [&'static str] = &["key", "number", "parity"];

        fn cells(&self) -> Vec<Cell> {
            let parity = if self.0 % 2 == 0 { "even" } else { "odd" };
            let number = if self.0 < 0 { Cell::Null } else { self.0.into() };
            vec![self.0.to_string().into(), number, parity.into()]
        }

        fn has_text(&self, text: &str) -> bool {
            self.0.to_string().contains(text)
        }

        fn passes(&self, filter: &str) -> Option<bool> {
            (filter == "even").then_some(self.0 % 2 == 0)
        }

        fn changed(&self) -> u64 {
            self.1
        }
    }

    fn answer(query: &str) -> Result<TableAnswer, Refusal> {
        let params = Params::parse(Some(query)).unwrap();
        let rows = [Number(3, 1), Number(-1, 5), Number(12, 9), Number(4, 1)];
        select(
            &rows,
            &TableQuery::of(&params)?,
            |since| (since > 0).then(|| vec!["7".to_owned()]),
            &["spark"],
            |row| vec![Cell::Int(row.0 * 10)],
        )
    }

    fn keys(query: &str) -> Vec<String> {
        let key = |row: Vec<Cell>| match row.into_iter().next() {
            Some(Cell::Text(key)) => key,
            other => panic!("{other:?}"),
        };
        answer(query).unwrap().rows.into_iter().map(key).collect()
    }

    #[test]
    fn rows_are_searched_filtered_sorted_and_paged() {
        assert_eq!(keys(""), ["3", "-1", "12", "4"]);
        assert_eq!(keys("q=1"), ["-1", "12"]);
        assert_eq!(keys("f=even"), ["12", "4"]);
        assert_eq!(keys("sort=number"), ["3", "4", "12", "-1"]);
        assert_eq!(
            keys("sort=number&dir=desc"),
            ["12", "4", "3", "-1"],
            "unknown is last both ways"
        );
        assert_eq!(keys("sort=number&limit=2&offset=1"), ["4", "12"]);
        assert_eq!(answer("limit=1").unwrap().matched, 4);
    }

    #[test]
    fn changes_since_a_state_are_only_those() {
        let delta = answer("since=4").unwrap();
        assert_eq!((delta.full, delta.rows.len(), delta.total), (false, 2, 4));
        assert_eq!(delta.removed, ["7"]);
        assert!(answer("since=0").unwrap().full, "too old");
        assert!(answer("since=4&q=1").unwrap().full);
    }

    #[test]
    fn columns_are_picked_behind_the_key() {
        let picked = answer("cols=parity,spark,parity&spark=1&limit=1").unwrap();
        assert_eq!(picked.cols, ["key", "parity", "spark"]);
        assert_eq!(
            serde_json::to_string(&picked.rows).unwrap(),
            r#"[["3","odd",30]]"#
        );
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for query in ["sort=nope", "cols=nope", "f=nope", "limit=-1", "since=x"] {
            assert!(answer(query).is_err(), "{query}");
        }
        assert!(answer(&format!("q={}", "x".repeat(300))).is_err());
    }
}
