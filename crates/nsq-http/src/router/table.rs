//! The paths of a router, for the answers to requests that no handler is for.
//!
//! Upstream: the rules of julienschmidt/httprouter with its defaults.

use hyper::Method;

/// Every path with its methods.
#[derive(Debug, Default)]
pub(super) struct Table {
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    path: &'static str,
    methods: Vec<Method>,
}

impl Table {
    pub(super) fn insert(&mut self, method: Method, path: &'static str) {
        if let Some(route) = self.routes.iter_mut().find(|route| route.path == path) {
            route.methods.push(method);
        } else {
            self.routes.push(Route {
                path,
                methods: vec![method],
            });
        }
    }

    /// The value of `Allow` for `path`; `None` if the path is unknown.
    pub(super) fn allowed(&self, path: &str) -> Option<String> {
        let mut methods: Vec<_> = self
            .routes
            .iter()
            .filter(|route| matches(route.path, path, |known, given| known == given))
            .flat_map(|route| route.methods.iter().map(Method::as_str))
            .collect();
        if methods.is_empty() {
            return None;
        }
        methods.push(Method::OPTIONS.as_str());
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }

    /// The known path that `path` is a misspelling of: a trailing slash too many or missing,
    /// another case, doubled slashes, dot segments. `None` if `path` itself is known, or if the
    /// other path does not have `method`.
    pub(super) fn fixed(&self, method: &Method, path: &str) -> Option<String> {
        if !path.starts_with('/') {
            return None;
        }
        let candidates = || self.routes.iter().filter(|route| route.methods.contains(method));
        if candidates().any(|route| matches(route.path, path, |known, given| known == given)) {
            return None;
        }
        let clean = clean(path);
        candidates().find_map(|route| {
            // A known path that ends in a slash has no parameter there.
            let known = route.path.strip_suffix('/').unwrap_or(route.path);
            if !matches(known, &clean, str::eq_ignore_ascii_case) {
                return None;
            }
            let slash = if route.path.ends_with('/') { "/" } else { "" };
            Some(spelled(known, &clean) + slash)
        })
    }
}

/// Whether `path` is an instance of `known`, whose literal segments are compared by `same`.
fn matches(known: &str, path: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    let mut given = path.split('/');
    known.split('/').all(|known| match given.next() {
        Some(given) if is_parameter(known) => !given.is_empty(),
        Some(given) => same(known, given),
        None => false,
    }) && given.next().is_none()
}

/// `path` with the literal segments spelled as `known` spells them.
fn spelled(known: &str, path: &str) -> String {
    let segments: Vec<_> = known
        .split('/')
        .zip(path.split('/'))
        .map(|(known, given)| if is_parameter(known) { given } else { known })
        .collect();
    segments.join("/")
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// `path` without empty and dot segments and without a trailing slash; the root is empty.
fn clean(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        table.insert(Method::GET, "/ping");
        table.insert(Method::POST, "/pub");
        table.insert(Method::PUT, "/config/{opt}");
        table.insert(Method::GET, "/config/{opt}");
        table.insert(Method::GET, "/debug/pprof/");
        table
    }

    #[test]
    fn allow_lists_the_methods_of_a_path_sorted_and_with_options() {
        assert_eq!(table().allowed("/ping").as_deref(), Some("GET, OPTIONS"));
        assert_eq!(table().allowed("/pub").as_deref(), Some("OPTIONS, POST"));
        assert_eq!(table().allowed("/config/x").as_deref(), Some("GET, OPTIONS, PUT"));
        for unknown in ["/nope", "/config", "/config/", "/config/a/b", "/ping/", "", "/"] {
            assert_eq!(table().allowed(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn misspelled_paths_are_fixed_for_the_methods_they_have() {
        for (path, fixed) in [
            ("/ping/", "/ping"),
            ("/PING", "/ping"),
            ("//ping", "/ping"),
            ("/./ping//", "/ping"),
            ("/x/../Ping", "/ping"),
            ("/Config/Log_Level/", "/config/Log_Level"),
            ("/debug/pprof", "/debug/pprof/"),
            ("/DEBUG/pprof/", "/debug/pprof/"),
        ] {
            assert_eq!(
                table().fixed(&Method::GET, path).as_deref(),
                Some(fixed),
                "{path}"
            );
        }
        for path in ["/ping", "/pub/", "/nope", "/config", "/config/", "ping", "/", "*"] {
            assert_eq!(table().fixed(&Method::GET, path), None, "{path}");
        }
        assert_eq!(table().fixed(&Method::POST, "/pub/").as_deref(), Some("/pub"));
        assert_eq!(table().fixed(&Method::POST, "/ping/"), None);
    }
}
