//! The directives of a page: `{{#name target key=value key="a value"}}`, each alone on its line.

/// A directive as it is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    pub name: String,
    /// What it is about: a file.
    pub target: String,
    options: Vec<(String, String)>,
}

/// Reads a line: `None` when it holds no directive.
///
/// # Errors
///
/// A directive that does not stand alone on its line, or that cannot be read.
pub fn parse(line: &str) -> Option<Result<Directive, String>> {
    let start = line.find("{{#")?;
    // In backticks it is talked about.
    if line[..start].ends_with('`') {
        return None;
    }
    let inside = line.trim().strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}"));
    Some(match inside {
        Some(inside) => read(inside),
        None => Err("a directive `{{#…}}` stands alone on its line".to_string()),
    })
}

fn read(inside: &str) -> Result<Directive, String> {
    let mut words = words(inside)?.into_iter();
    let name = words.next().ok_or("a directive needs a name")?;
    let target = words.next().ok_or_else(|| format!("`{name}` needs the file that it is about"))?;
    let mut options = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not of the form key=value"))?;
        options.push((key.to_string(), value.to_string()));
    }
    Ok(Directive { name, target, options })
}

/// Splits at spaces, but not inside double quotes, which are dropped.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is always a word").push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    if quoted { Err("a quote is not closed".to_string()) } else { Ok(words) }
}

impl Directive {
    /// All values of an option, in order.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.options.iter().filter(|(own, _)| own == key).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of an option that is given at most once.
    pub fn one(&self, key: &str) -> Result<Option<&str>, String> {
        match self.all(key)[..] {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(format!("`{key}` is given twice")),
        }
    }

    /// Whether an option that is on by default stays on.
    pub fn unless_no(&self, key: &str) -> Result<bool, String> {
        match self.one(key)? {
            None | Some("yes") => Ok(true),
            Some("no") => Ok(false),
            Some(other) => Err(format!("`{key}={other}`: say yes or no")),
        }
    }

    /// Refuses options that this directive does not know.
    pub fn allow(&self, known: &[&str]) -> Result<(), String> {
        match self.options.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some((key, _)) => Err(format!("`{}` knows no option `{key}`, but {}", self.name, known.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_a_target_and_options() {
        let read = parse("  {{#code a/b.rs item=A::b item=\"impl C for D\" docs=no}}  ")
            .expect("it is one")
            .expect("it reads");
        assert_eq!((read.name.as_str(), read.target.as_str()), ("code", "a/b.rs"));
        assert_eq!(read.all("item"), ["A::b", "impl C for D"]);
        assert_eq!((read.unless_no("docs"), read.unless_no("body")), (Ok(false), Ok(true)));
        assert!(read.one("item").is_err());
        assert!(read.allow(&["item"]).is_err_and(|error| error.contains("`docs`")));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for wrong in
            ["see {{#code a.rs}}", "{{#code}}", "{{#code a.rs item}}", "{{#code a.rs item=\"b}}", "{{#code a.rs"]
        {
            assert!(parse(wrong).is_some_and(|read| read.is_err()), "{wrong}");
        }
        assert_eq!(parse("no directive {{ here }}"), None);
        assert_eq!(parse("write `{{#code a.rs}}` to show code"), None);
    }
}
