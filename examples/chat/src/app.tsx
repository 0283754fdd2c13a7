import { generateId } from "ai";
import { useCallback, useEffect, useState } from "react";
import { AgentsContext, useAgents } from "./agents";
import { type ChatSummary, deleteChat, listChats, renameChat } from "./api";
import { ChatLoader } from "./chat-loader";
import { ChatTitle } from "./chat-title";
import { Icon } from "./icon";
import { Notice } from "./notice";
import { Sidebar } from "./sidebar";
import { TopbarEnd } from "./topbar";
import { useHash } from "./use-hash";

/** A change to the list of chats that the server did not take. */
type Failure = { title: string; again: () => Promise<void> };

export function App() {
  const [chats, setChats] = useState<ChatSummary[]>([]);
  const [failure, setFailure] = useState<Failure>();
  const [topbarEnd, setTopbarEnd] = useState<HTMLElement | null>(null);
  // The address names the chat, so that a reload, a bookmark and the back button lead to it. No
  // name stands for a chat not begun yet: it has an id at once, but the server hears of it with
  // its first message.
  const named = useHash();
  const [newId, setNewId] = useState(generateId);
  const chatId = named || newId;
  const agents = useAgents();

  const refresh = useCallback(async () => {
    try {
      setChats(await listChats());
    } catch (error) {
      // The list is a convenience: the open chat works without it, and tells of its own failures.
      console.warn(error);
    }
  }, []);

  useEffect(() => {
    void refresh();
  }, [refresh]);

  const openNewChat = () => {
    setNewId(generateId());
    location.hash = "";
  };

  const nameChat = () => {
    location.hash = newId;
    setNewId(generateId());
  };

  const removeChat = async (id: string) => {
    // Leave the chat first, so that nothing saves it again.
    if (id === chatId) openNewChat();
    setChats((chats) => chats.filter((chat) => chat.id !== id));
    await change("The chat could not be deleted.", () => deleteChat(id));
  };

  const rename = async (id: string, title: string) => {
    setChats((chats) => chats.map((chat) => (chat.id === id ? { ...chat, title } : chat)));
    await change("The chat could not be renamed.", () => renameChat(id, title));
  };

  /** Carries out at the server what the list shows already. */
  const change = async (failed: string, call: () => Promise<void>) => {
    setFailure(undefined);
    try {
      await call();
    } catch {
      setFailure({ title: failed, again: () => change(failed, call) });
    }
    await refresh();
  };

  const current = chats.find((chat) => chat.id === chatId);
  const title = current?.title ?? "New chat";

  return (
    <AgentsContext value={agents}>
      <div className="app">
        <title>{title}</title>
        <Sidebar
          chats={chats}
          currentId={chatId}
          onNew={openNewChat}
          onDelete={(id) => void removeChat(id)}
        />
        <main className="main">
          <header className="topbar">
            <button
              type="button"
              className="button-plain menu-button"
              popoverTarget="sidebar"
              aria-label="Show chats"
            >
              <Icon name="menu" />
            </button>
            <ChatTitle
              key={chatId}
              title={title}
              onRename={current && ((title) => void rename(chatId, title))}
            />
            <div ref={setTopbarEnd} className="topbar-end" />
          </header>
          {failure && (
            <Notice
              title={failure.title}
              action={{ label: "Try again", run: () => void failure.again() }}
              onDismiss={() => setFailure(undefined)}
            >
              Check that the server is running and that you are online.
            </Notice>
          )}
          <TopbarEnd value={topbarEnd}>
            <ChatLoader
              key={chatId}
              chatId={chatId}
              isNew={!named}
              onFirstMessage={nameChat}
              onSaved={refresh}
              onNewChat={openNewChat}
            />
          </TopbarEnd>
        </main>
      </div>
    </AgentsContext>
  );
}
