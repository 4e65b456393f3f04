//! HTTP from inside the machine: one request, one answer, over a connection of its own.

use super::{Target, converse, shorten, socket_address};
use crate::machine::Machine;

/// What is asked.
pub struct Request<'a> {
    /// `GET`.
    pub method: &'a str,
    /// `http://127.0.0.1:8080/path`.
    pub url: &'a str,
    /// Headers on top of those that every request has.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent along.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A GET.
    pub fn get(url: &'a str) -> Self {
        Self { method: "GET", url, headers: &[], body: b"" }
    }

    /// Sends it, and reads the answer.
    pub fn send(&self, machine: &Machine) -> Result<Response, String> {
        let url = self.url;
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url}: not an http:// URL"))?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = socket_address(&if has_port { host.to_owned() } else { format!("{host}:80") })?;
        // HTTP/1.0: the answer is not chunked and ends with the connection.
        let mut head = format!(
            "{} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: cargo-sandbox-unit\r\nConnection: close\r\n",
            self.method
        );
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method != "GET" || !self.body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let request = [head.as_bytes(), self.body].concat();
        let answer = converse(machine, &Target::Inet(address), Some(&request), false)?;
        Response::parse(&answer)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status: 200.
    pub status: u16,
    /// Its headers, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// Its body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn parse(answer: &[u8]) -> Result<Self, String> {
        let mut slots = [httparse::EMPTY_HEADER; 100];
        let mut response = httparse::Response::new(&mut slots);
        let start = match response.parse(answer) {
            Ok(httparse::Status::Complete(start)) => start,
            Ok(httparse::Status::Partial) if answer.is_empty() => {
                return Err("the connection was closed without an answer".into());
            }
            Ok(httparse::Status::Partial) => return Err("the answer ends in the middle of its headers".into()),
            Err(error) => return Err(format!("the answer is not HTTP: {error}")),
        };
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        };
        Ok(Self {
            status: response.code.unwrap_or_default(),
            headers: response.headers.iter().map(header).collect(),
            body: answer.get(start..).unwrap_or_default().to_vec(),
        })
    }

    /// Holds it against what is wanted. What was seen, or what was wrong with it.
    pub fn judge(
        &self,
        status: Option<u16>,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<String, String> {
        let (code, text) = (self.status, self.text());
        match status {
            Some(wanted) if wanted != code => {
                return Err(format!("status {code} instead of {wanted}: {}", shorten(&text)));
            }
            None if code >= 400 => return Err(format!("status {code}: {}", shorten(&text))),
            _ => {}
        }
        for (name, wanted) in headers {
            match self.header(name) {
                None => return Err(format!("there is no header {name}")),
                Some(value) if !value.contains(wanted.as_str()) => {
                    return Err(format!("header {name} is {value:?}, without {wanted:?}"));
                }
                Some(_) => {}
            }
        }
        match body {
            Some(wanted) if !text.contains(wanted) => {
                Err(format!("the body does not hold {wanted:?}: {}", shorten(&text)))
            }
            _ => Ok(format!("{code}: {}", shorten(&text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello, visitor 1\n";

    fn judge(
        answer: &[u8],
        status: Option<u16>,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<String, String> {
        Response::parse(answer)?.judge(status, headers, body)
    }

    #[test]
    fn an_answer_is_held_against_everything_that_is_wanted() {
        let wanted = [("content-type".to_owned(), "text/".to_owned())];
        assert_eq!(judge(ANSWER, Some(200), &wanted, Some("hello")), Ok("200: hello, visitor 1".into()));
        assert!(judge(ANSWER, Some(204), &[], None).is_err_and(|why| why.contains("status 200 instead of 204")));
        assert!(judge(ANSWER, None, &[("x".into(), "y".into())], None).is_err_and(|why| why.contains("no header x")));
        assert!(judge(ANSWER, None, &[], Some("bye")).is_err_and(|why| why.contains("does not hold \"bye\"")));
        assert!(judge(b"HTTP/1.1 500 No\r\n\r\n", None, &[], None).is_err());
        assert!(judge(b"", None, &[], None).is_err_and(|why| why.contains("without an answer")));
        assert!(judge(b"SSH-2.0-x\r\n", None, &[], None).is_err_and(|why| why.contains("not HTTP")));
    }
}
