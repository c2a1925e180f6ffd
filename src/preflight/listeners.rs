//! What listens at TCP ports of this machine, as far as the kernel tells this user.
//!
//! Formats: proc_pid_net(5), `tcp` and `tcp6`: addresses are hexadecimal, in words of the machine's byte order; proc_pid_fd(5):
//! a socket is a link to `socket:[INODE]`; proc_pid_stat(5): the parent is the second field behind the name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The state of a socket that listens.
const LISTENS: &str = "0A";

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listener {
    /// Where it listens; unspecified for all addresses.
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    /// Whose it is; other users' are only told to root.
    pub(super) process: Option<Process>,
}

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: i64,
    /// What it is called, 15 characters of it.
    pub(super) name: String,
    /// Itself, its parent, that one's parent and so on.
    pub(super) line: Vec<i64>,
}

/// Returns what listens at any of the ports.
pub(super) fn at(ports: &BTreeSet<u16>) -> Vec<Listener> {
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/self/net/{name}")).unwrap_or_default());
    let sockets: Vec<Socket> =
        tables.iter().flat_map(|table| sockets(table)).filter(|socket| ports.contains(&socket.port)).collect();
    let wanted: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
    let owners = if wanted.is_empty() { BTreeMap::new() } else { owners(&wanted) };
    let listener = |socket: Socket| {
        let process = owners.get(&socket.inode).map(|id| process(*id));
        Listener { ip: socket.ip, port: socket.port, process }
    };
    sockets.into_iter().map(listener).collect()
}

/// A line of a table.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    ip: IpAddr,
    port: u16,
    inode: u64,
}

fn sockets(table: &str) -> impl Iterator<Item = Socket> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (ip, port) = fields.get(1)?.split_once(':')?;
        fields.get(3).filter(|state| **state == LISTENS)?;
        Some(Socket {
            ip: address(ip)?,
            port: u16::from_str_radix(port, 16).ok()?,
            inode: fields.get(9)?.parse().ok()?,
        })
    })
}

fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut octets = [0; 16];
            for (part, at) in octets.chunks_exact_mut(4).zip((0..32).step_by(8)) {
                part.copy_from_slice(&word(at)?);
            }
            Some(IpAddr::from(Ipv6Addr::from(octets)).to_canonical())
        }
        _ => None,
    }
}

/// Returns the processes that have these sockets. What ends meanwhile, or is another user's, is passed over.
fn owners(wanted: &BTreeSet<u64>) -> BTreeMap<u64, i64> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok()) else { continue };
        for descriptor in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let inode = fs::read_link(descriptor.path()).ok().and_then(|link| inode(&link));
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                found.entry(inode).or_insert(id);
            }
        }
    }
    found
}

fn inode(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn process(id: i64) -> Process {
    let stat = |id: i64| fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let line = std::iter::successors(Some(id), |id| parent(&stat(*id)).filter(|parent| *parent > 0));
    Process { id, name: name(&stat(id)).unwrap_or_default().to_owned(), line: line.collect() }
}

/// The name is in parentheses, and may hold some itself.
fn name(stat: &str) -> Option<&str> {
    Some(stat.split_once('(')?.1.rsplit_once(')')?.0)
}

fn parent(stat: &str) -> Option<i64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn what_listens_is_read_from_the_kernels_tables() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 4711 1 0 100 0 0 10 0\n   \
            1: 0100007F:18EB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000   999        0 4712 1 0 20 4 30 10 -1\n   \
            2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713 1 0\n   \
            3: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4714 1 0\n\
            no line\n";
        let found: Vec<(String, u16, u64)> =
            sockets(table).map(|socket| (socket.ip.to_string(), socket.port, socket.inode)).collect();
        let expected = [("127.0.0.1", 6379, 4711), ("::", 80, 4713), ("127.0.0.1", 81, 4714)];
        assert_eq!(found, expected.map(|(ip, port, inode)| (ip.to_owned(), port, inode)));
    }

    #[test]
    fn a_socket_of_this_very_process_is_found_with_its_name_and_its_parents() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = at(&[port].into());
        let [found] = found.as_slice() else { panic!("one listener: {found:?}") };
        assert_eq!((found.ip, found.port), ("127.0.0.1".parse().unwrap(), port));
        let process = found.process.as_ref().unwrap();
        assert_eq!(process.id, i64::from(std::process::id()));
        assert!(process.line.len() > 1 && !process.name.is_empty(), "{process:?}");
        drop(listener);
        assert_eq!(at(&[port].into()), Vec::new());
    }

    #[test]
    fn a_name_may_hold_what_stands_around_it() {
        let stat = "42 (odd) name (x)) S 7 42 42 0 -1";
        assert_eq!((name(stat), parent(stat)), (Some("odd) name (x)"), Some(7)));
        assert_eq!((name("no line"), parent("")), (None, None));
    }
}
