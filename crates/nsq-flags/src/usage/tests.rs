use super::*;
use crate::{FloatList, GoDuration, LogLevel, StringList, field};

struct Options {
    version: bool,
    deflate: bool,
    quick: bool,
    count: i64,
    node_id: i64,
    interval: GoDuration,
    prefix: String,
    path: String,
    sample: f64,
    topics: StringList,
    percentiles: FloatList,
    log_level: LogLevel,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: false,
            deflate: true,
            quick: false,
            count: 5,
            node_id: 0,
            interval: GoDuration::from_secs(60),
            prefix: "[nsqd] ".to_owned(),
            path: String::new(),
            sample: 1.0,
            topics: StringList::default(),
            percentiles: FloatList::default(),
            log_level: LogLevel::Info,
        }
    }
}

type Row = Flag<Options>;

static TABLE: Table<Options> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::option("log-prefix", field!(prefix), "LogPrefix", "text before a line"),
    Row::option("deflate", field!(deflate), "DeflateEnabled", "offer\ndeflate"),
    Row::new("q", field!(quick), "be quick"),
    Row::new("n", field!(count), "rows"),
    Row::option("node-id", field!(node_id), "ID", "part of | ids")
        .key("id")
        .documented_default("from the host"),
    Row::option("interval", field!(interval), "Interval", "time between rows"),
    Row::option("path", field!(path), "Path", "where <it> is"),
    Row::new("sample", field!(sample), "share"),
    Row::option("topic", field!(topics), "Topics", "a topic").key("topics"),
    Row::option("percentile", field!(percentiles), "Percentiles", "a quantile"),
    Row::option("log-level", field!(log_level), "LogLevel", "what to log"),
]);

// The bytes that Go's flag package prints for the same flags.
#[test]
fn the_usage_text_has_gos_layout() {
    let expected = "Usage of nsqd:
  -deflate
    \toffer
    \tdeflate (default true)
  -interval duration
    \ttime between rows (default 1m0s)
  -log-level value
    \twhat to log (default INFO)
  -log-prefix string
    \ttext before a line (default \"[nsqd] \")
  -n int
    \trows (default 5)
  -node-id int
    \tpart of | ids
  -path string
    \twhere <it> is
  -percentile value
    \ta quantile
  -q\tbe quick
  -sample float
    \tshare (default 1)
  -topic value
    \ta topic
  -version
    \tprint the version
";
    assert_eq!(TABLE.usage("nsqd"), expected);
}

#[test]
fn the_reference_is_a_table_that_is_the_same_on_every_machine() {
    let expected = "\
| Flag | Type | Default | Config key | Meaning |
|---|---|---|---|---|
| `--deflate` | switch | `true` | `deflate` | offer deflate |
| `--interval` | duration | `1m0s` | `interval` | time between rows |
| `--log-level` | word | `INFO` | `log_level` | what to log |
| `--log-prefix` | string | `[nsqd] ` | `log_prefix` | text before a line |
| `--n` | int | `5` | – | rows |
| `--node-id` | int | from the host | `id` | part of \\| ids |
| `--path` | string |  | `path` | where &lt;it&gt; is |
| `--percentile` | list of numbers |  | `percentile` | a quantile |
| `--q` | switch | `false` | – | be quick |
| `--sample` | float | `1` | – | share |
| `--topic` | list of strings |  | `topics` | a topic |
| `--version` | switch | `false` | – | print the version |
";
    assert_eq!(TABLE.reference(), expected);
}

#[test]
fn an_option_is_asked_for_by_its_file_key() {
    let options = Options::default();
    let ask = |key| TABLE.config_value(&options, key);
    assert_eq!(
        ask("log_prefix"),
        Some(crate::ConfigValue::Text("[nsqd] ".to_owned()))
    );
    assert_eq!(ask("id"), Some(crate::ConfigValue::Int(0)));
    for key in ["log-prefix", "node_id", "node-id", "version", "topic", ""] {
        assert_eq!(ask(key), None, "{key}");
    }
}
