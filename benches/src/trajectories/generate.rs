//! Generated trajectories, as like to real ones as sizes and shapes go.

use fastrand::Rng;
use memory_core::ChatMessage;
use serde_json::{Map, Value, json};

use super::{Trajectories, Trajectory};

/// A distribution by its minimum, 10th, 25th, 50th, 75th and 90th percentile
/// and maximum, straight in between.
type Quantiles = [usize; 7];
const LEVELS: [f64; 7] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];

/// How many of 200 episodes have 0, 1, 2, … steps.
const STEPS: [usize; 28] =
    [18, 18, 31, 19, 10, 12, 13, 18, 6, 13, 8, 11, 4, 7, 4, 1, 1, 0, 1, 0, 2, 0, 0, 2, 0, 0, 0, 1];
/// User messages of an episode.
const TURNS: Quantiles = [3, 4, 5, 7, 9, 11, 30];
/// Characters of a user's message.
const USER: Quantiles = [10, 43, 63, 92, 130, 165, 318];
/// Characters of an assistant's message that calls no tool.
const ASSISTANT: Quantiles = [44, 127, 178, 260, 403, 574, 1_256];
/// Characters of an assistant's message along with a call, which 90 of 1,164 calls have.
const ALONG: Quantiles = [83, 101, 131, 183, 239, 323, 878];
const FAILURES: [&str; 4] = [
    "Error: flight HAT030 not available on date 2024-05-13",
    "Error: gift card balance is not enough",
    "Error: payment amount does not add up, total price is 375, but paid 299",
    "Error: not enough seats on flight HAT290",
];

struct Tool {
    name: &'static str,
    /// How many of 1,164 calls are its.
    calls: usize,
    /// How many of its calls fail.
    failures: usize,
    arguments: Quantiles,
    /// Characters of an answer that is no failure.
    output: Quantiles,
}

const fn tool(name: &'static str, calls: usize, failures: usize, arguments: Quantiles, output: Quantiles) -> Tool {
    Tool { name, calls, failures, arguments, output }
}

const TOOLS: [Tool; 14] = [
    tool("get_reservation_details", 377, 0, [27, 27, 27, 27, 27, 28, 28], [525, 626, 631, 696, 829, 844, 1_042]),
    tool("search_direct_flight", 141, 0, [56, 56, 56, 56, 56, 61, 61], [2, 2, 315, 629, 945, 1_260, 2_835]),
    tool("get_user_details", 120, 0, [25, 28, 29, 30, 31, 32, 36], [561, 608, 729, 922, 993, 1_113, 1_230]),
    tool(
        "update_reservation_flights",
        104,
        42,
        [137, 184, 184, 187, 278, 279, 303],
        [600, 640, 679, 745, 820, 888, 1_020],
    ),
    tool("calculate", 96, 0, [22, 25, 26, 33, 44, 50, 214], [3, 4, 4, 5, 6, 6, 7]),
    tool("think", 92, 0, [120, 180, 199, 254, 308, 372, 1_008], [0; 7]),
    tool("cancel_reservation", 69, 0, [27, 27, 27, 27, 27, 28, 28], [607, 703, 766, 775, 848, 923, 948]),
    tool("book_reservation", 53, 30, [364, 416, 432, 457, 481, 663, 936], [620, 630, 640, 650, 673, 677, 689]),
    tool("transfer_to_human_agents", 48, 0, [134, 190, 229, 279, 323, 343, 406], [19; 7]),
    tool("search_onestop_flight", 38, 0, [56, 56, 56, 56, 56, 56, 61], [2, 2, 2_033, 3_372, 5_394, 6_761, 8_117]),
    tool(
        "update_reservation_baggages",
        14,
        1,
        [100, 100, 100, 102, 102, 102, 102],
        [640, 673, 679, 735, 744, 744, 932],
    ),
    tool("send_certificate", 8, 0, [41, 41, 42, 42, 44, 44, 44], [77, 77, 77, 78, 80, 80, 80]),
    tool("list_all_airports", 2, 0, [2; 7], [380; 7]),
    tool(
        "update_reservation_passengers",
        2,
        0,
        [111, 111, 111, 111, 165, 165, 165],
        [625, 625, 625, 693, 693, 693, 693],
    ),
];

impl Trajectories {
    /// So many generated episodes, the same for the same seed.
    ///
    /// They are fitted to the 200 trajectories of GPT-4o in τ-bench's airline
    /// domain: steps an episode (all 200 counts), user messages an episode, the
    /// mix of the 14 tools, how often each fails, and the characters of each
    /// tool's arguments and answers, of the user's and of the assistant's
    /// messages (minimum, 10th, 25th, 50th, 75th, 90th percentile, maximum),
    /// 42 % successes, and 50 tasks of four trials for 34 users. Not fitted:
    /// which tool follows which, and what is said.
    pub fn generate(seed: u64, episodes: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let episodes = (0..episodes).filter_map(|index| {
            let trajectory = Trajectory {
                task_id: (index / 4 % 50).into(),
                trial: index % 4 + 4 * (index / 200),
                reward: if random.u8(0..200) < 84 { 1.0 } else { 0.0 },
                user_id: Some(format!("user_{}", index / 4 % 50 % 34)),
                messages: chat(&mut random),
            };
            // Every call that is generated is answered once, so that none is refused.
            trajectory.episode(index).ok().map(|(episode, _)| episode)
        });
        Self::new(super::GENERATED, episodes.collect())
    }
}

fn chat(random: &mut Rng) -> Vec<ChatMessage> {
    let steps = weighted(random, &STEPS);
    let turns = draw(random, &TURNS);
    let mut messages = vec![ChatMessage::new("user", text(random, &USER))];
    let mut left = steps;
    for turn in (0..turns).rev() {
        // The steps spread over the assistant's turns, and all are done by the last.
        let now = if turn == 0 { left } else { random.usize(0..=(2 * left / (turn + 1)).min(left)) };
        for number in left - now..left {
            step(random, steps - number, &mut messages);
        }
        left -= now;
        messages.push(ChatMessage::new("assistant", text(random, &ASSISTANT)));
        if turn > 0 {
            messages.push(ChatMessage::new("user", text(random, &USER)));
        }
    }
    messages
}

fn step(random: &mut Rng, number: usize, messages: &mut Vec<ChatMessage>) {
    let tool = &TOOLS[weighted(random, &TOOLS.map(|tool| tool.calls))];
    let id = format!("call_{number}_{:08x}", random.u32(..));
    let arguments = object(random, &tool.arguments);
    let call = ChatMessage::calling(id.as_str(), tool.name, arguments);
    messages.push(if random.usize(0..1_164) < 90 { call.with("content", text(random, &ALONG)) } else { call });
    let output = if random.usize(0..tool.calls) < tool.failures {
        FAILURES[random.usize(0..FAILURES.len())].to_owned()
    } else {
        object(random, &tool.output)
    };
    messages.push(ChatMessage::answering(id, output));
}

fn weighted(random: &mut Rng, weights: &[usize]) -> usize {
    let mut point = random.usize(0..weights.iter().sum());
    weights
        .iter()
        .position(|weight| {
            point.checked_sub(*weight).is_none_or(|left| {
                point = left;
                false
            })
        })
        .unwrap_or(0)
}

fn draw(random: &mut Rng, quantiles: &Quantiles) -> usize {
    let level = random.f64();
    let above = LEVELS.iter().position(|bound| level < *bound).unwrap_or(LEVELS.len() - 1).max(1);
    let part = (level - LEVELS[above - 1]) / (LEVELS[above] - LEVELS[above - 1]);
    let (low, high) = (quantiles[above - 1], quantiles[above]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a length")]
    let rest = (part * (high - low) as f64).round() as usize;
    low + rest
}

fn text(random: &mut Rng, length: &Quantiles) -> String {
    let length = draw(random, length);
    words(random, length)
}

/// Words and spaces, so many characters.
pub(crate) fn words(random: &mut Rng, length: usize) -> String {
    const WORDS: [&str; 24] = [
        "the",
        "flight",
        "to",
        "reservation",
        "is",
        "please",
        "economy",
        "and",
        "your",
        "card",
        "for",
        "cabin",
        "on",
        "passenger",
        "confirm",
        "of",
        "baggage",
        "I",
        "date",
        "would",
        "certificate",
        "be",
        "New York",
        "cancel",
    ];
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text.push_str(WORDS[random.usize(0..WORDS.len())]);
        text.push(' ');
    }
    text.truncate(length);
    text
}

/// A JSON object of so many characters, or what fits into as few.
fn object(random: &mut Rng, length: &Quantiles) -> String {
    let length = draw(random, length);
    if length < 12 {
        return if length == 2 { "{}".to_owned() } else { "8".repeat(length) };
    }
    let mut fields = Map::new();
    let mut left = length - 2;
    for number in 0.. {
        // A field costs its key, four quotes, a colon and a comma.
        let key = format!("field_{number}");
        let cost = key.len() + 6;
        if left < cost {
            break;
        }
        let value = if left < 2 * cost + 60 { left + 1 - cost } else { random.usize(1..50) };
        fields.insert(key, json!(words(random, value)));
        left = left.saturating_sub(cost + value);
    }
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use memory_core::Record;

    use super::*;
    use crate::Shape;

    /// The figures of the real file.
    fn real() -> Shape {
        Shape {
            episodes: 200,
            succeeded: 84,
            steps: 1_164,
            failed_steps: 73,
            tools: 14,
            steps_per_episode: [0, 5, 12, 27],
            messages_per_episode: [5, 19, 32, 60],
            argument_chars: [2, 31, 279, 1_008],
            output_chars: [0, 667, 965, 8_117],
            episode_bytes: [0; 4],
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_valid_episodes() {
        let [one, again, other] = [1, 1, 2].map(|seed| Trajectories::generate(seed, 50).episodes);
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert_eq!(one.len(), 50);
        for episode in one {
            episode.validate().unwrap();
        }
    }

    #[test]
    fn sizes_and_shapes_are_those_of_the_real_ones() {
        let (shape, real) = (Trajectories::generate(7, 2_000).shape, real());
        let near = |got: usize, wanted: usize| (got as f64 / wanted as f64 - 1.0).abs() < 0.15;
        assert!(near(shape.steps, real.steps * 10), "{shape:?}");
        assert!(near(shape.failed_steps, real.failed_steps * 10), "{shape:?}");
        assert!(near(shape.succeeded, real.succeeded * 10), "{shape:?}");
        assert_eq!(shape.tools, real.tools);
        let pairs = [
            (shape.steps_per_episode, real.steps_per_episode),
            (shape.argument_chars, real.argument_chars),
            (shape.output_chars, real.output_chars),
            (shape.messages_per_episode, real.messages_per_episode),
        ];
        for (got, wanted) in pairs {
            assert!(near(got[1], wanted[1]) && near(got[2], wanted[2]), "{got:?} for {wanted:?}");
        }
    }
}
