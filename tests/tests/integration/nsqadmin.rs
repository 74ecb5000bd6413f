//! nsqadmin: the API of the original, the extension API, and processes that do not answer, or not as they should.

mod access;
mod addresses;
mod api;
mod ext;
mod lifecycle;
mod page;
mod reference;
mod strangers;
mod tail;
mod trouble;

use nsq_tests::http::Response;
use serde_json::Value;

/// The body of an answer.
#[track_caller]
fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|err| panic!("{response:?}: {err}"))
}

/// The row of a table with this key, as an object.
#[track_caller]
fn row(table: &Value, key: &str) -> Value {
    let rows = table["rows"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row[0] == key)
        .unwrap_or_else(|| panic!("no {key} in {table}"));
    let cols = table["cols"].as_array().unwrap();
    let pairs = cols.iter().zip(row.as_array().unwrap());
    pairs
        .map(|(col, cell)| (col.as_str().unwrap().to_owned(), cell.clone()))
        .collect()
}
