//! A picture: an SVG file put into the page itself, so that the book's theme colours it.

/// The arrow's head, which every picture may use: `class="arrow"` is drawn with it.
const ARROW_HEAD: &str = r#"<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="11" markerHeight="11" orient="auto-start-reverse"><path class="arrow-head" d="M0 1 L10 5 L0 9 z"></path></marker></defs>"#;

/// The picture as HTML that stands in a page.
///
/// Identifiers get the file's name before them, since all pages stand together in the printed book. Classes are left as
/// they are: `book/theme/course.css` gives them their colours.
///
/// # Errors
///
/// A picture without a `viewBox`, a `<title>` or a `<desc>`, or with colours or sizes of its own.
pub fn inline(svg: &str, file: &str, caption: Option<&str>) -> Result<String, String> {
    let start = svg.find("<svg").ok_or_else(|| format!("{file} holds no <svg>"))?;
    let svg = svg[start..].trim_end();
    for needed in ["viewBox=", "<title>", "<desc>"] {
        if !svg.contains(needed) {
            return Err(format!("{file} has no {needed}: CONTRIBUTING.md says what a picture needs"));
        }
    }
    for refused in [" fill=\"#", " stroke=\"#", "style=", "font-family=", "<style"] {
        if svg.contains(refused) {
            return Err(format!("{file} holds `{}`: classes give a picture its colours", refused.trim()));
        }
    }
    let name: String = file
        .trim_end_matches(".svg")
        .chars()
        .map(|character| if character.is_alphanumeric() { character } else { '-' })
        .collect();
    let head_end = svg.find('>').ok_or_else(|| format!("{file}: <svg is not closed"))?;
    let (head, body) = svg.split_at(head_end);
    let width: f64 = view_box_width(head).ok_or_else(|| format!("{file}: the viewBox is not four numbers"))?;
    let svg = format!(
        "{head} role=\"img\" aria-labelledby=\"title desc\" width=\"{width}\">{ARROW_HEAD}{}",
        body[1..].replacen("<title>", "<title id=\"title\">", 1).replacen("<desc>", "<desc id=\"desc\">", 1)
    );
    let svg = name_identifiers(&svg, &name);
    // A blank line would end the HTML block, and indentation of four columns start a block of code.
    let lines: Vec<&str> = svg.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let caption = caption.map(|text| format!("\n<figcaption>{text}</figcaption>")).unwrap_or_default();
    Ok(format!("<figure class=\"picture\">\n{}{caption}\n</figure>\n", lines.join("\n")))
}

fn view_box_width(head: &str) -> Option<f64> {
    let (_, rest) = head.split_once("viewBox=\"")?;
    let numbers: Vec<f64> = rest.split('"').next()?.split_whitespace().filter_map(|text| text.parse().ok()).collect();
    if let [_, _, width, _] = numbers[..] { Some(width) } else { None }
}

/// Puts `name-` before each identifier and before each use of one.
fn name_identifiers(svg: &str, name: &str) -> String {
    let named = svg.replace("aria-labelledby=\"title desc\"", &format!("aria-labelledby=\"{name}-title {name}-desc\""));
    [" id=\"", "url(#", " href=\"#"].iter().fold(named, |svg, mark| svg.replace(mark, &format!("{mark}{name}-")))
}

#[cfg(test)]
mod tests {
    use super::inline;

    const PICTURE: &str = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 90\">\n  <title>A</title>\n\n  <desc>B</desc>\n    <path class=\"arrow\" d=\"M0 0 H9\" marker-end=\"url(#head)\"/>\n</svg>\n";

    #[test]
    fn a_picture_stands_in_the_page_with_identifiers_of_its_own() {
        let html = inline(PICTURE, "week1/put.svg", Some("A put")).expect("the picture is as it should be");
        assert!(html.contains("width=\"720\"") && html.contains("<figcaption>A put</figcaption>"), "{html}");
        assert!(html.contains("id=\"week1-put-head\"") && html.contains("url(#week1-put-head)"), "{html}");
        assert!(html.contains("aria-labelledby=\"week1-put-title week1-put-desc\""), "{html}");
        assert!(html.trim_end().lines().all(|line| !line.is_empty() && !line.starts_with(' ')), "{html}");
    }

    #[test]
    fn a_picture_without_words_or_with_its_own_colours_is_refused() {
        for (from, to) in
            [("<desc>B</desc>", ""), ("viewBox", "box"), ("class=\"arrow\"", "fill=\"#fff\""), ("720 90", "720")]
        {
            assert!(inline(&PICTURE.replace(from, to), "a.svg", None).is_err(), "{from} replaced by {to:?}");
        }
    }
}
