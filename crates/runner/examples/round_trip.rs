//! Measures connections: `round_trip INVENTORY [TASKS [MEBIBYTES]]` reaches all hosts of an inventory at once and prints, for each, the
//! time to the first result (connect, log in, agent, become), the time of a task after that, and the speed of large content.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use data::Map;
use inventory::{LoadOptions, VarsFiles};
use taskbox_runner::connection::{
    Become, BecomeKeywords, Call, ConnectionDefaults, ConnectionError, ConnectionSettings, Connections,
    Content,
};

struct Times {
    first: Duration,
    task: Duration,
    content: Option<Duration>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let source = args.next().ok_or("usage: round_trip INVENTORY [TASKS [MEBIBYTES]]")?;
    let tasks: u32 = args.next().map_or(Ok(100), |text| text.parse())?;
    let size: usize = args.next().map_or(Ok(0), |text| text.parse())?;
    let loaded = inventory::load(&[source], &LoadOptions::default())?;
    let files = VarsFiles::new(loaded.folders, Vec::new(), Default::default(), Default::default());
    let connections = Connections::new();
    let content = (size > 0).then(|| Content::from_bytes(vec![0x5a; size * 1024 * 1024]));
    let start = Instant::now();
    thread::scope(|scope| {
        let mut hosts = Vec::new();
        for host in loaded.inventory.hosts() {
            let vars = files.host_vars(&loaded.inventory, host)?;
            let (connections, content) = (&connections, content.clone());
            hosts.push((host, scope.spawn(move || measure(connections, host.name(), &vars, tasks, content))));
        }
        for (host, measured) in hosts {
            match measured.join() {
                Ok(Ok(times)) => show(host.name(), &times, size),
                Ok(Err(error)) => println!("{:16} {error}", host.name().to_string()),
                Err(_) => println!("{:16} stopped on a fault of its own", host.name().to_string()),
            }
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    println!("all {:.0} ms", millis(start.elapsed()));
    Ok(())
}

fn measure(
    connections: &Connections,
    host: &str,
    vars: &Map,
    tasks: u32,
    content: Option<Content>,
) -> Result<Times, ConnectionError> {
    let get = |name: &str| vars.get(name).cloned();
    let defaults = ConnectionDefaults::default();
    let connection = connections.get(&ConnectionSettings::from_vars(host, &get, &defaults)?);
    let become_as = Become::from_vars(host, &get, &BecomeKeywords::default(), &defaults)?;
    let call = Call { become_as: become_as.clone(), ..Call::new("ping", Map::new()) };
    let start = Instant::now();
    connection.run(&call, &mut |_| ())?;
    let first = start.elapsed();
    let start = Instant::now();
    for _ in 0..tasks {
        connection.run(&call, &mut |_| ())?;
    }
    let task = start.elapsed() / tasks.max(1);
    let Some(content) = content else { return Ok(Times { first, task, content: None }) };
    let args = Map::from([("dest", "/var/tmp/round-trip".to_owned()), ("content_blob", content.hex())]);
    let copy = Call { become_as, contents: vec![content], ..Call::new("copy", args) };
    let start = Instant::now();
    let result = connection.run(&copy, &mut |_| ())?;
    let took = start.elapsed();
    let remove = Map::from([("path", "/var/tmp/round-trip"), ("state", "absent")]);
    connection.run(&Call { become_as: call.become_as, ..Call::new("file", remove) }, &mut |_| ())?;
    let worked = result.get("failed").is_none();
    Ok(Times { first, task, content: worked.then_some(took) })
}

fn show(host: &str, times: &Times, size: usize) {
    let content = match times.content {
        Some(time) => format!("{size} MiB at {:.0} MiB/s", size as f64 / time.as_secs_f64()),
        None => String::new(),
    };
    println!(
        "{host:16} first {:7.0} ms   task {:7.3} ms   {content}",
        millis(times.first),
        millis(times.task)
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
