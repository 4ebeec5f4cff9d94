// In:    as loop.c; Rust has no header files, so the loop is written again.
// Out:   httparse's answers: the method, the request-target, and each name and value, as slices.
// Never: reads Host, Connection or a body's framing, and names no field; nor does httparse.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::mem::MaybeUninit;
use std::time::Instant;

/// More than any input has.
const FIELD_LINES: usize = 128;

/// Reads all heads of a buffer; returns the octets read and the field lines found in them, added up.
fn read_heads(buffer: &[u8], rehearsal: Option<(usize, &mut String)>) -> u64 {
    let mut told = rehearsal;
    let mut at = 0;
    let mut sum = 0;
    while at < buffer.len() {
        // Left uninitialised, as httparse offers it: clearing so many lines would cost more than a small head.
        let mut lines: [MaybeUninit<httparse::Header>; FIELD_LINES] = [MaybeUninit::uninit(); FIELD_LINES];
        let mut request = httparse::Request::new(&mut []);
        let size = match request.parse_with_uninit_headers(&buffer[at..], &mut lines) {
            Ok(httparse::Status::Complete(size)) => size,
            _ => break,
        };
        sum += (size + request.headers.len()) as u64;
        at += size;
        if let Some((turn, text)) = told.as_mut() {
            tell(*turn, buffer, &request, text);
        }
    }
    sum
}

fn tell(turn: usize, buffer: &[u8], request: &httparse::Request, text: &mut String) {
    let span = |octets: &[u8], text: &mut String| {
        let _ = write!(text, " {} {}", octets.as_ptr() as usize - buffer.as_ptr() as usize, octets.len());
    };
    let _ = write!(text, "{} {} {}", turn, 10 + request.version.unwrap_or(0), request.method.unwrap_or(""));
    span(request.path.unwrap_or("").as_bytes(), text);
    for line in request.headers.iter() {
        span(line.name.as_bytes(), text);
        span(line.value, text);
    }
    text.push('\n');
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim().to_string())
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

fn load(input: &mut impl BufRead, count: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut buffers = Vec::new();
    for _ in 0..count {
        let mut octets = vec![0; number(&read_line(input)?)?];
        input.read_exact(&mut octets)?;
        buffers.push(octets);
    }
    Ok(buffers)
}

fn run(buffers: &[Vec<u8>], times: usize) -> String {
    let mut sum = 0;
    let mut turn = 0;
    let begin = Instant::now();
    for _ in 0..times {
        sum += read_heads(&buffers[turn], None);
        turn = if turn + 1 == buffers.len() { 0 } else { turn + 1 };
    }
    format!("{} {}\n", begin.elapsed().as_nanos(), sum)
}

fn rehearse(buffers: &[Vec<u8>]) -> String {
    let mut text = String::new();
    let mut sum = 0;
    for (turn, buffer) in buffers.iter().enumerate() {
        sum += read_heads(buffer, Some((turn, &mut text)));
    }
    text + &format!("sum {}\n", sum)
}

fn main() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut buffers = Vec::new();
    loop {
        let line = read_line(&mut input)?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["load", count] => buffers = load(&mut input, number(count)?)?,
            ["run", times] => output.write_all(run(&buffers, number(times)?).as_bytes())?,
            ["rehearse"] => output.write_all(rehearse(&buffers).as_bytes())?,
            _ => return Ok(()),
        }
        output.flush()?;
    }
}
