//! Job queue of a lane, with urgent jobs that overtake those that wait.

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::Connection;

pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Sending half. The threads of the lane live as long as one exists.
#[derive(Clone)]
pub(super) struct JobSender {
    /// `None` only wakes a thread, which then looks at the urgent jobs.
    jobs: Sender<Option<Job>>,
    urgent: Sender<Job>,
}

/// Receiving half, one for each thread of the lane.
#[derive(Clone)]
pub(super) struct JobReceiver {
    jobs: Receiver<Option<Job>>,
    urgent: Receiver<Job>,
}

pub(super) fn job_queue() -> (JobSender, JobReceiver) {
    let (jobs, jobs_received) = unbounded();
    let (urgent, urgent_received) = unbounded();
    (JobSender { jobs, urgent }, JobReceiver { jobs: jobs_received, urgent: urgent_received })
}

impl JobSender {
    pub(super) fn send(&self, job: Job) {
        // The threads live as long as this sender, so the queue is open.
        drop(self.jobs.send(Some(job)));
    }

    /// Sends a job that the next free thread takes before all jobs that wait.
    pub(super) fn send_urgent(&self, job: Job) {
        drop(self.urgent.send(job));
        // A thread that sleeps does so on the other channel. The order matters:
        // the thread that this wakes must find the job.
        drop(self.jobs.send(None));
    }

    /// Returns the number of jobs that wait, and of wake-ups among them.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }
}

impl JobReceiver {
    /// Returns the next job, waiting if necessary, or `None` once all senders
    /// are gone and no job is left.
    ///
    /// A thread waits on one channel only, after it saw no urgent job. So urgent
    /// jobs cost each other job one look at an empty channel.
    pub(super) fn next(&self) -> Option<Job> {
        loop {
            if let Ok(job) = self.urgent.try_recv() {
                return Some(job);
            }
            if let Some(job) = self.jobs.recv().ok()? {
                return Some(job);
            }
        }
    }
}
