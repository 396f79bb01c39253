//! `taskbox bundle build`: from a folder, from registries, from the network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use bundle::{
    Builder, BundleError, Client, Download, Downloads, Event, Manifest, Plan, Promise, Reference, Registry,
    Survey, Want, full_name, missing, pull, survey,
};
use clap::Args;
use data::Diagnose;

use super::network::NetworkFlags;
use super::plan;
use super::show::{counted, many, size};

/// Make a bundle.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// A folder of loose things: programs, release archives, image archives, charts, manifests, packages. Repeatable.
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,

    /// What the cluster of this conf folder needs from the network, as `bundle plan` lists it.
    #[arg(long, value_name = "DIR")]
    conf: Option<PathBuf>,

    /// A file to fetch; what it is is worked out as for --from. `URL`, `URL sha256:HASH`, or `URL CHECKSUM_URL`, as one word. Repeatable.
    #[arg(long, value_name = "URL")]
    url: Vec<String>,

    /// An image to pull from its registry, by tag or digest. Repeatable.
    #[arg(long, value_name = "NAME")]
    image: Vec<String>,

    /// A file with one image or URL (as above) a line.
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,

    /// The architectures of images.
    #[arg(long, value_name = "ARCH", value_delimiter = ',', default_value = "amd64")]
    arch: Vec<String>,

    #[command(flatten)]
    network: NetworkFlags,

    /// The bundle.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Pull the images that charts name, too, also of components that are off by default. Without it they are listed as `named`.
    #[arg(long)]
    chart_images: bool,

    /// The Kubernetes version it is for; what that needs and is not there is listed.
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<String>,

    /// Fail if something that the Kubernetes version needs is missing.
    #[arg(long)]
    complete: bool,
}

/// Builds it.
pub(super) fn run(args: &BuildArgs) -> Result<ExitCode, Box<dyn Diagnose>> {
    let planned = args.conf.as_ref().map(|conf| plan::of_conf(Some(conf), &args.arch)).transpose()?;
    build(args, planned).map_err(|error| Box::new(error) as Box<dyn Diagnose>)
}

fn build(args: &BuildArgs, planned: Option<(Plan, String)>) -> Result<ExitCode, BundleError> {
    let (mut urls, mut images) = wanted(args)?;
    let mut kubernetes = args.kubernetes.clone();
    if let Some((plan, version)) = planned {
        urls.extend(plan.files.into_iter().map(|file| Download {
            url: file.url,
            promise: file.promise,
            headers: Vec::new(),
        }));
        images.extend(plan.images);
        kubernetes.get_or_insert(version);
    }
    let kubernetes = kubernetes.as_deref();
    if args.from.is_empty() && urls.is_empty() && images.is_empty() {
        return Err(BundleError::Missing {
            what: "nothing to make a bundle from".into(),
            help: "give --from DIR, --conf DIR, --url, --image or --list".into(),
        });
    }
    let work = work_folder(&args.output)?;
    let mut builder = Builder::new(kubernetes);
    for folder in &args.from {
        report(&survey(folder, &work, &mut builder)?);
    }
    if !urls.is_empty() || !images.is_empty() || args.chart_images {
        let client = args.network.client()?;
        let progress = Progress::default();
        let watch = |event| progress.say(&event);
        fetch(args, &client, &watch, &work, &urls, &mut builder)?;
        let downloads = Downloads { client: &client, folder: &work.join("blobs"), watch: &watch };
        if args.chart_images {
            images.extend(builder.images_of_charts()?.into_keys());
        }
        for name in &images {
            pull_one(args, &downloads, name, &mut builder)?;
        }
    }
    for (image, chart) in builder.images_of_charts()? {
        anstream::println!("named    {image:<58} by the chart {chart}");
    }
    let wants = wants(&builder.manifest(), kubernetes);
    report_missing(&wants);
    if args.complete && !wants.is_empty() {
        return Err(BundleError::Missing {
            what: format!("{} missing, and --complete was given", many(wants.len(), "thing")),
            help: "add them to the folder, or leave --complete out".into(),
        });
    }
    let manifest = builder.write(&args.output)?;
    // What was fetched and unpacked on the way is in the bundle now; what cannot be removed is only in the way.
    let _ = std::fs::remove_dir_all(&work);
    anstream::println!("{}: {}", args.output.display(), counted(&manifest));
    Ok(ExitCode::SUCCESS)
}

/// The URLs and images of the command line and of lists.
fn wanted(args: &BuildArgs) -> Result<(Vec<Download>, Vec<String>), BundleError> {
    let mut urls: Vec<Download> = args.url.iter().map(|line| download(line)).collect();
    let mut images = args.image.clone();
    for list in &args.list {
        let text = std::fs::read_to_string(list).map_err(|error| BundleError::File {
            action: "read",
            path: list.clone(),
            error,
        })?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.contains("://") { urls.push(download(line)) } else { images.push(line.to_owned()) }
        }
    }
    Ok((urls, images))
}

/// Fetches files and works out what they are.
fn fetch(
    args: &BuildArgs,
    client: &Client,
    watch: &(dyn Fn(Event) + Sync),
    work: &Path,
    wanted: &[Download],
    builder: &mut Builder,
) -> Result<(), BundleError> {
    let folder = work.join("downloads");
    let files = Downloads { client, folder: &folder, watch }.all(wanted, args.network.at_once)?;
    // Under their own names again: a program is known by its name.
    let named = work.join("named");
    let _ = std::fs::remove_dir_all(&named);
    for (number, (file, download)) in files.iter().zip(wanted).enumerate() {
        let name =
            download.url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).unwrap_or("file");
        let folder = named.join(number.to_string());
        let link = folder.join(name);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::hard_link(file, &link))
            .map_err(|error| BundleError::File { action: "create", path: link, error })?;
    }
    if !files.is_empty() {
        report(&survey(&named, work, builder)?);
    }
    Ok(())
}

/// `URL`, `URL sha256:HASH` or `URL CHECKSUM_URL`.
fn download(line: &str) -> Download {
    let mut words = line.split_whitespace();
    let url = words.next().unwrap_or_default().to_owned();
    let promise = match words.next() {
        None => Promise::None,
        Some(word) => match word.strip_prefix("sha256:") {
            Some(hash) => Promise::Known(hash.to_owned()),
            None => Promise::ChecksumFile(word.to_owned()),
        },
    };
    Download { url, promise, headers: Vec::new() }
}

fn pull_one(
    args: &BuildArgs,
    downloads: &Downloads<'_>,
    name: &str,
    builder: &mut Builder,
) -> Result<(), BundleError> {
    let bad = || BundleError::Missing {
        what: format!("`{name}` is no image's name"),
        help: "write it as REGISTRY/REPOSITORY:TAG or with @sha256:DIGEST".into(),
    };
    let wanted = Reference::parse(name).ok_or_else(bad)?;
    let asked = args.network.where_to_ask(downloads.client, &wanted).ok_or_else(bad)?;
    let registry: Registry<'_> = args.network.registry(downloads.client, &asked.registry)?;
    for found in pull(&registry, downloads, &wanted, &asked, &args.arch, args.network.at_once)? {
        anstream::println!(
            "found    {:<58} {}",
            format!("{} ({}, image)", full_name(name), found.image.arch),
            asked.registry
        );
        found.add_to(builder)?;
    }
    Ok(())
}

/// Says on the screen what happens while things are fetched.
#[derive(Default)]
struct Progress(Mutex<()>);

impl Progress {
    fn say(&self, event: &Event) {
        let _one_at_a_time = self.0.lock();
        match event {
            Event::Done { url, size: bytes, kept } => {
                let how = if *kept { "kept" } else { "fetched" };
                anstream::println!("{how:<8} {url} ({})", size(*bytes));
            }
            Event::Resumed { url, from } => anstream::println!("resumed  {url} after {}", size(*from)),
            Event::Retry { url, reason } => anstream::println!("again    {url}: {reason}"),
        }
    }
}

/// The folder beside the bundle for what has to be unpacked or fetched; a build that was broken off finds its things there again.
fn work_folder(output: &Path) -> Result<PathBuf, BundleError> {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".work");
    let folder = output.with_file_name(name);
    std::fs::create_dir_all(&folder).map_err(|error| BundleError::File {
        action: "create",
        path: folder.clone(),
        error,
    })?;
    Ok(folder)
}

fn wants(manifest: &Manifest, kubernetes: Option<&str>) -> Vec<Want> {
    kubernetes.map(|version| missing(manifest, version.trim_start_matches('v'))).unwrap_or_default()
}

fn report(survey: &Survey) {
    for thing in &survey.found {
        anstream::println!("found    {:<58} {}", thing.what, thing.file.display());
    }
    for (file, reason) in &survey.unused {
        anstream::println!("unasked  {:<58} {reason}", file.display().to_string());
    }
}

fn report_missing(wants: &[Want]) {
    for want in wants {
        anstream::println!("missing  {:<58} {}", want.what, want.arch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_the_checksum_is() {
        let url = "https://dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubelet";
        assert_eq!(download(url).promise, Promise::None);
        assert_eq!(download(&format!("{url} sha256:ab")).promise, Promise::Known("ab".into()));
        assert_eq!(
            download(&format!("{url} {url}.sha256")).promise,
            Promise::ChecksumFile(format!("{url}.sha256"))
        );
    }
}
