//! One read-only request over HTTP/1.0 (RFC 1945): enough for two lists, for people, now and then.
//!
//! HTTP/1.0 because its answers end with their connection, so that there is no framing to get wrong. A client library
//! would add a dozen packages to every service for two requests of an administrator's command; when the service around
//! messaging brings one into the build, it takes this file's place.

use std::{
    io::{Error, ErrorKind},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer: some hundred thousand queues.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The body of `GET path`.
///
/// # Errors
/// No connection, an answer that is late, cut off, too long or no HTTP, or a status other than 200.
pub(super) async fn get(host: &str, port: u16, path: &str, authorization: &str) -> Result<Vec<u8>, Error> {
    let asking = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(request(host, port, path, authorization).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST_BYTES + 1).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    let answer: Result<Vec<u8>, Error> =
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
    body(answer?)
}

fn request(host: &str, port: u16, path: &str, authorization: &str) -> String {
    // An IPv6 address stands in brackets (RFC 3986, 3.2.2).
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!(
        "GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAuthorization: {authorization}\r\nAccept: application/json\r\n\r\n"
    )
}

/// The body of an answer that says 200.
fn body(mut answer: Vec<u8>) -> Result<Vec<u8>, Error> {
    let refuse = |why: String| Error::new(ErrorKind::InvalidData, why);
    if answer.len() as u64 > MOST_BYTES {
        return Err(refuse("the answer is longer than 64 MiB".to_owned()));
    }
    let no_http = || refuse("the answer is no HTTP".to_owned());
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or_else(no_http)?;
    let head = str::from_utf8(&answer[..end]).map_err(|_| no_http())?.to_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().filter(|line| line.starts_with("HTTP/1.")).and_then(|line| line.split(' ').nth(1));
    match status.ok_or_else(no_http)? {
        "200" => {}
        "401" => return Err(refuse("it refuses the user or password (401)".to_owned())),
        "404" => return Err(refuse("it knows no such virtual host (404)".to_owned())),
        other => return Err(refuse(format!("it answers with status {}", other.escape_debug()))),
    }
    let body = answer.split_off(end + 4);
    let field = |name: &str| {
        let found =
            head.split("\r\n").filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    if field("transfer-encoding").is_some() {
        return Err(refuse("it answers in another encoding than it was asked for".to_owned()));
    }
    if field("content-length").and_then(|length| length.parse().ok()).is_some_and(|length: usize| length != body.len())
    {
        return Err(refuse("the answer is cut off".to_owned()));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<String, String> {
        body(answer.into()).map(|body| String::from_utf8(body).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_names_its_host() {
        for (host, field) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")] {
            let request = request(host, 15_672, "/api", "Basic eDp5");
            let (head, rest) = request.split_once("\r\nAuthorization: Basic eDp5\r\n").unwrap();
            assert_eq!(head, format!("GET /api HTTP/1.0\r\nHost: {field}:15672"));
            assert!(rest.ends_with("\r\n\r\n"));
        }
    }

    #[test]
    fn answers_are_read_and_refused() {
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"), Ok("[]".into()));
        assert_eq!(read("HTTP/1.0 200 OK\r\n\r\n\r\n\r\n"), Ok("\r\n\r\n".into()));
        for (answer, why) in [
            ("", "no HTTP"),
            ("HTTP/1.1 200 OK\r\n", "no HTTP"),
            ("AMQP\0\0\r\n\r\n", "no HTTP"),
            ("HTTP/1.1 401 Unauthorized\r\n\r\n", "user or password"),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "no such virtual host"),
            ("HTTP/1.1 500 x\r\n\r\n", "status 500"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[]", "cut off"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]", "another encoding"),
        ] {
            assert!(read(answer).expect_err(answer).contains(why), "{answer}");
        }
    }
}
