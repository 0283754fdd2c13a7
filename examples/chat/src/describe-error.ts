export type ErrorDescription = {
  title: string;
  advice: string;
  /** What the page can do about it, if anything. */
  remedy?: "retry";
};

/** Whether it is the agent that failed, in the middle of its answer: that turn is over. */
export function isOfAgent(error: Error): boolean {
  return !("status" in error || "code" in error || isOfNetwork(error));
}

/** Whether another tab was quicker. */
export function isOfOtherTab(error: Error): boolean {
  return error.message === "This chat is active in another tab";
}

export function describeError(error: Error): ErrorDescription {
  const status = "status" in error && typeof error.status === "number" ? error.status : undefined;
  const code = "code" in error ? error.code : undefined;

  if (code === "send_unproven") {
    return {
      title: "The message may not have arrived.",
      advice: "Reload the page to see, and send it again if it is not there.",
    };
  }
  if (status === 413) {
    return {
      title: "The message is too long.",
      advice: "Send it again in shorter parts.",
    };
  }
  if (status === 401 || status === 403) {
    return {
      title: "Your access to this chat has run out.",
      advice: "Reload the page to sign in again, then try once more.",
      remedy: "retry",
    };
  }
  if (status === 404) {
    return {
      title: "The server does not know this chat any more.",
      advice: "Try again: it is begun anew there, and what was said stays here.",
      remedy: "retry",
    };
  }
  if (status === 429) {
    return {
      title: "The server is asked too much.",
      advice: "Wait a little, then try again. Your message is kept.",
      remedy: "retry",
    };
  }
  if (status !== undefined) {
    return {
      title: "The server did not do its part.",
      advice: `Try again in a moment. What is known: ${error.message}`,
      remedy: "retry",
    };
  }
  if (isOfNetwork(error)) {
    return {
      title: "The server could not be reached.",
      advice: "Check your connection, then try again. Your message is kept.",
      remedy: "retry",
    };
  }
  return {
    title: "The answer could not be completed.",
    // An agent's own sentence says what to do.
    advice: error.message,
    remedy: "retry",
  };
}

/** What `fetch` throws where no answer comes. */
function isOfNetwork(error: Error): boolean {
  return error instanceof TypeError;
}
