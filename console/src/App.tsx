/** Everything around the pages: theme, session, navigation, and what is shown when a page fails. */
import { QueryClientProvider } from "@tanstack/react-query";
import ConfigProvider from "antd/es/config-provider";
import { cache } from "./api/cache";
import { useSession } from "./api/roles";
import { Failed, Loading } from "./parts/States";
import { Frame } from "./shell/Frame";
import { Login } from "./shell/Login";
import { Setup } from "./shell/Setup";
import { antdTheme, useScheme } from "./theme";

export function App() {
  return (
    <QueryClientProvider client={cache}>
      <ConfigProvider theme={antdTheme(useScheme())} componentSize="medium">
        <Door />
      </ConfigProvider>
    </QueryClientProvider>
  );
}

/** The pages, or what comes before them. */
function Door() {
  const session = useSession();
  if (session.isPending) return <Loading what="the console" />;
  if (!session.data) return <Failed error={session.error} again={() => void session.refetch()} />;
  if (session.data.needs_setup) return <Setup />;
  return session.data.signed_in ? <Frame /> : <Login />;
}
