// For pages that the session server serves: what an app gives its transport, from the app's own side of
// that server.

/** The callbacks of a transport, and where its sessions are. */
export const fromAppServer = () => ({
  baseURL: location.origin,
  accessToken: async ({ chatId }: { chatId: string }) => (await post(chatId, "token", {})).text(),
  startSession: async ({ chatId, ...session }: { chatId: string }) =>
    (await post(chatId, "start", session)).json(),
});

function post(chatId: string, what: string, body: unknown): Promise<Response> {
  return fetch(`/app/chats/${chatId}/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
