//! Runs the simulator over many seeds, or one seed in full view. It is no part of the product.

use std::{
    cell::Cell,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use omni_tests::{
    auditor::{Bundles, Chains},
    observation::Observation,
    sim::{Fault, Plan, Planted, commit, judge, line, shrink},
};

/// How often progress is told and kept.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

thread_local! {
    /// The seed that this thread runs.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// Simulated markets under faults, each made by one seed.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed; without it, the one after the last that `--resume` knows, or 1.
    #[arg(long)]
    from: Option<u64>,
    /// A file that keeps which seeds were run, so that the next call goes on after them.
    #[arg(long)]
    resume: Option<PathBuf>,
    /// How many seeds run side by side.
    #[arg(long)]
    jobs: Option<usize>,
    /// With this bug planted.
    #[arg(long, value_parser = planted)]
    planted: Option<Planted>,
    /// Run the first seed alone, and tell each thing that happens.
    #[arg(long)]
    trace: bool,
    /// Run the first seed alone, and make it smaller as long as it fails in the same way.
    #[arg(long)]
    shrink: bool,
}

fn planted(name: &str) -> Result<Planted, String> {
    let mut all = Planted::ALL.into_iter();
    all.find(|planted| planted.name() == name).ok_or_else(|| {
        let names: Vec<_> = Planted::ALL.iter().map(|planted| planted.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let args = Args::parse();
    // A build that aborts on a panic says nothing after this.
    std::panic::set_hook(Box::new(|panic| {
        let seed = SEED.get();
        eprintln!("seed {seed} at {}: {panic}", commit());
    }));
    let known = args.resume.as_deref().and_then(last_seed);
    let from = args.from.unwrap_or(known.unwrap_or(0) + 1);
    if args.trace || args.shrink {
        return show_one(&Plan::draw(from), &args);
    }
    run_all(from, &args)
}

/// What all seeds so far came to.
#[derive(Default)]
struct Sum {
    next: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    receipts: AtomicU64,
    bundles: Mutex<Bundles>,
    chains: Mutex<Chains>,
    steps: AtomicU64,
    /// In how many runs each fault was drawn, and in how many it struck.
    faults: [(AtomicU64, AtomicU64); Fault::ALL.len()],
}

fn run_all(from: u64, args: &Args) -> ExitCode {
    let began = Instant::now();
    let sum = Sum::default();
    let told = Mutex::new(began);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.unwrap_or(threads) {
            scope.spawn(|| {
                loop {
                    let seed = sum.next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.seeds {
                        break;
                    }
                    run_seed(from + seed, args, &sum);
                    let mut told = told.lock().expect("no thread panics");
                    if told.elapsed() > PROGRESS_EVERY {
                        *told = Instant::now();
                        progress(&sum, args, began);
                    }
                }
            });
        }
    });
    let last = from + args.seeds - 1;
    if let Some(file) = &args.resume {
        keep_last_seed(file, last);
    }
    println!("{:<15} {:>9} {:>9}", "fault", "drawn in", "met in");
    for (fault, (drawn, met)) in Fault::ALL.iter().zip(&sum.faults) {
        let [drawn, met] = [drawn, met].map(|count| count.load(Ordering::Relaxed));
        println!("{:<15} {drawn:>9} {met:>9}", format!("{fault:?}"));
    }
    let failed = sum.failed.load(Ordering::Relaxed);
    let Bundles {
        begun,
        agreed,
        aborted,
        partial,
        lapsed,
        changed,
    } = *sum.bundles.lock().expect("no thread panics");
    println!(
        "{begun} bundles: {agreed} agreed, {changed} of them changes, {aborted} aborted, {partial} partial as SPEC.md 20 \
         allows; {lapsed} legs lapsed"
    );
    let Chains {
        agreed,
        refused,
        parts_agreed,
        parts_refused,
    } = *sum.chains.lock().expect("no thread panics");
    println!(
        "{} holds passed on: {agreed} agreed alone, {refused} refused; {parts_agreed} agreed as parts \
         of bundles, {parts_refused} came to nothing with them",
        agreed + refused + parts_agreed + parts_refused
    );
    println!(
        "seeds {from} to {last} at {}: {failed} failed, {} receipts, {} steps, {:.0?}",
        commit(),
        sum.receipts.load(Ordering::Relaxed),
        sum.steps.load(Ordering::Relaxed),
        began.elapsed()
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_seed(seed: u64, args: &Args, sum: &Sum) {
    SEED.set(seed);
    let plan = Plan::draw(seed);
    let (watch, steps) = judge(&plan, args.planted, &mut |_| {});
    for (fault, (drawn, met)) in Fault::ALL.iter().zip(&sum.faults) {
        drawn.fetch_add(u64::from(fault.is_drawn(&plan)), Ordering::Relaxed);
        met.fetch_add(u64::from(watch.met.contains(fault)), Ordering::Relaxed);
    }
    sum.done.fetch_add(1, Ordering::Relaxed);
    sum.receipts.fetch_add(watch.receipts, Ordering::Relaxed);
    *sum.bundles.lock().expect("no thread panics") += watch.bundles;
    *sum.chains.lock().expect("no thread panics") += watch.chains;
    sum.steps.fetch_add(steps, Ordering::Relaxed);
    if let Some(first) = watch.complaints.first() {
        sum.failed.fetch_add(1, Ordering::Relaxed);
        let more = watch.complaints.len() - 1;
        println!("seed {seed} at {}: {first} ({more} more)", commit());
    }
}

fn progress(sum: &Sum, args: &Args, began: Instant) {
    let (done, failed) = (&sum.done, &sum.failed);
    let (done, failed) = (done.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    let took = began.elapsed();
    eprintln!(
        "{done} of {} seeds, {failed} failed, {took:.0?}",
        args.seeds
    );
}

fn last_seed(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn keep_last_seed(file: &Path, seed: u64) {
    let kept = std::fs::File::create(file).and_then(|mut file| writeln!(file, "{seed}"));
    if let Err(error) = kept {
        eprintln!("{}: the last seed can't be kept: {error}", file.display());
    }
}

fn show_one(plan: &Plan, args: &Args) -> ExitCode {
    SEED.set(plan.seed);
    let mut tell = |what: &Observation| {
        let line = line(what);
        if !line.is_empty() {
            println!("{line}");
        }
    };
    let (watch, _) = judge(plan, args.planted, &mut |_| {});
    let Some(first) = watch.complaints.first() else {
        if args.trace {
            judge(plan, args.planted, &mut tell);
        }
        println!("seed {} at {}: nothing is wrong", plan.seed, commit());
        return ExitCode::SUCCESS;
    };
    let mut plan = plan.clone();
    if args.shrink {
        let kind = |complaint: &str| complaint.split(':').next().map(str::to_owned);
        let wanted = kind(first);
        plan = shrink(&plan, &mut |plan| {
            let (watch, _) = judge(plan, args.planted, &mut |_| {});
            watch.complaints.iter().any(|one| kind(one) == wanted)
        });
        println!("{plan:#?}");
    }
    let (watch, _) = judge(&plan, args.planted, &mut tell);
    for complaint in watch.complaints {
        println!("seed {} at {}: {complaint}", plan.seed, commit());
    }
    ExitCode::FAILURE
}
