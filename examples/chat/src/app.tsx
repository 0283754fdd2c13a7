import { generateId } from "ai";
import { useCallback, useEffect, useState } from "react";
import { AgentsContext, useAgents } from "./agents";
import { type ChatSummary, deleteChat, listChats } from "./api";
import { ChatLoader } from "./chat-loader";
import { Icon } from "./icon";
import { Sidebar } from "./sidebar";
import { useHash } from "./use-hash";

export function App() {
  const [chats, setChats] = useState<ChatSummary[]>([]);
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
    await deleteChat(id).catch(console.warn);
    await refresh();
  };

  const title = chats.find((chat) => chat.id === chatId)?.title ?? "New chat";

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
            <h1 className="topbar-title">{title}</h1>
          </header>
          <ChatLoader
            key={chatId}
            chatId={chatId}
            isNew={!named}
            onFirstMessage={nameChat}
            onSaved={refresh}
            onNewChat={openNewChat}
          />
        </main>
      </div>
    </AgentsContext>
  );
}
