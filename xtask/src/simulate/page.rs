//! A trace as a picture to step through: a part of a page, or a page of its own.

use super::Trace;

const WIDGET: &str = include_str!("widget.html");

/// The picture, to be put into a page. It takes the page's colours, light or dark.
pub fn widget(trace: &Trace) -> String {
    WIDGET.replace("{{steps}}", &format!("[{}]", trace.lines.join(",")))
}

/// A page that needs nothing else.
pub fn page(trace: &Trace, title: &str) -> String {
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 60rem; line-height: 1.4; }}
h1 {{ font-size: 1.3rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{}
</body>
</html>
",
        widget(trace)
    )
}
