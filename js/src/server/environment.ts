/** What a server calls the service with. */
export type Environment = {
  secretKey: string;
  /** The service's base URL, where the environment says so. */
  apiURL: string | undefined;
  /** The branch of a preview or development environment. */
  branch: string | undefined;
};

/** The development branch that is none: the root. */
const ROOT_BRANCH = "default";

/**
 * Reads what the SDK reads from the environment; `secretKey` is the app's own, where it gives one.
 *
 * @throws Where there is no key, or none that a header can hold: it must not show up in the error that
 * the host's `fetch` would make of it.
 */
export function readEnvironment(secretKey?: string): Environment {
  const variables = environmentVariables();
  const read = (name: string) => variables[name] || undefined;
  const key = (secretKey ?? read("TRIGGER_SECRET_KEY"))?.trim();
  if (!key) {
    throw new Error("The secret key is missing: pass `secretKey`, or set TRIGGER_SECRET_KEY.");
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Error("The secret key has characters that no key has: look how it is set.");
  }
  const developed = read("TRIGGER_DEV_BRANCH");
  return {
    secretKey: key,
    apiURL: read("TRIGGER_API_URL"),
    branch:
      read("TRIGGER_PREVIEW_BRANCH") ??
      read("VERCEL_GIT_COMMIT_REF") ??
      (developed === ROOT_BRANCH ? undefined : developed),
  };
}

/** The variables of the process; none where there is no process. */
function environmentVariables(): Record<string, string | undefined> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
