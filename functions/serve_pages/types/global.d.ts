// Types that the scripts of the pages share. Those of the API come from openapi.json, so that a change there shows here.

import type { components } from "#api";
import type { Problem } from "../static/shared/api.js";
import type { Unreachable } from "../static/shared/auth.js";

type Schemas = components["schemas"];

declare global {
  interface Window {
    /** The hash of the opened link, which before-modules.js has removed from the URL. */
    initialLinkHash?: string;
  }

  namespace Api {
    type Account = Schemas["AccountSummary"];
    type AccountAction = Schemas["AccountAction"];
    type AuditEntry = Schemas["AuditEntryRow"];
    type AuditEntryList = Schemas["AuditEntryList"];
    type Client = Schemas["ClientRow"];
    type ClientMember = Schemas["ClientMemberRow"];
    type CreatedMember = Schemas["CreateUserResponse"];
    type CreatedLink = Schemas["CreateLinkResponse"];
    type Employee = Schemas["EmployeeRow"];
    type EmployeeClient = Schemas["EmployeeClientRow"];
    type Grant = Schemas["ApproveLinkResponse"];
    type Link = Schemas["LinkResponse"];
    type LinkPreview = Schemas["LinkPreviewResponse"];
    type LinkAccount = Schemas["LinkAccountRow"];
    type Member = Schemas["GetUserResponse"];
    type MemberAction = Schemas["MemberAction"];
    type MemberRow = Schemas["NamedMemberRow"];
    type MigrationPreview = Schemas["MigrationPreviewResponse"];
    type MigrationRow = Schemas["MigrationRow"];
    type OffboardingRow = Schemas["OffboardingRow"];
    type Overrides = Schemas["OverridesResponse"];
    type PermissionSet = Schemas["AssignableSetRow"];
    type ProblemBody = Partial<Schemas["Problem"]>;
    type Scope = "owned" | "team" | "all";
    type Seat = Schemas["Seat"];
    type SetUpdate = Schemas["SetUpdateRow"];
    type BulkMemberRow = Schemas["BulkMemberRow"];

    type Locale = Schemas["Locale"];

    type ApproveLinkRequest = Pick<Schemas["ApproveLinkRequest"], "secret" | "account_id"> &
      Partial<Schemas["ApproveLinkRequest"]>;
    type CreateLinkRequest = Partial<Schemas["CreateLinkRequest"]>;
    type EditUserRequest = Partial<Schemas["EditUserRequest"]>;

    /** A page of a list. */
    interface List<Item> {
      items: Item[];
      next_cursor?: string | null;
    }

    interface Response<Body> {
      status: number;
      body: Body;
      etag: string | null;
      replayed: boolean;
    }

    /** What a request can fail with: an error response, or no response. */
    type Failure = Problem | (Unreachable & { code?: undefined; errors?: undefined });
  }

  /** The children of an element. Empty values are left out. */
  type Content = Node | string | false | null | undefined | readonly Content[];

  type Handler<E extends Event> = (event: E) => unknown;

  interface Attributes {
    [name: string]: string | boolean | null | undefined | Handler<never>;
    onblur?: Handler<FocusEvent>;
    onchange?: Handler<Event>;
    onclick?: Handler<MouseEvent>;
    onfocus?: Handler<FocusEvent>;
    oninput?: Handler<Event>;
    onkeydown?: Handler<KeyboardEvent>;
    onsubmit?: Handler<SubmitEvent>;
    ontoggle?: Handler<Event>;
  }

  /** What a page shows: the title of the document and the content of its main element. */
  interface PageContent {
    title: string;
    content: Content;
    narrow?: boolean;
  }

  /** A part of a page with a URL of its own. */
  interface View<State = any> {
    load: () => Promise<unknown>;
    render: () => PageContent;
    /** Return what was typed, to restore it after the sign-in. */
    formState?: () => State;
    restore?: (state: State) => void;
  }

  /** Permission names with their scopes. */
  type Rights = Map<string, string>;

  /** A membership with the sets that the user can choose for it, and the rights that result from its set. */
  interface LoadedMember {
    member: Api.Member;
    etag: string | null;
    choices: Api.PermissionSet[];
    gained: string[];
    /** The rights of the set without overrides, and with them; undefined if the user cannot see the set. */
    base: Rights | undefined;
    rights: Rights | undefined;
  }

  /** The form state of a member's access. `removed` is undefined until a set is selected. */
  interface AccessDraft {
    set: string;
    seat: string;
    paidSeats: Set<string>;
    removed: Set<string> | undefined;
    scopes: Rights;
    until: string;
  }

  /** A draft as it is stored during the sign-in. */
  interface SavedAccessDraft {
    set?: string;
    seat?: string;
    paidSeats?: string[];
    removed?: string[];
    scopes?: [name: string, scope: string][];
    until?: string;
  }

  type TextValues = Record<string, string | number | null | undefined>;
  /** The texts of a language. A text that depends on a number has plural forms. */
  type Texts = Record<string, string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>)>;

  interface PermissionTexts {
    groups: { whole: string; names: Record<string, [verb: string, noun: string]> }[];
    single: Record<string, string>;
    scoped: string[];
    narrowed: Record<string, string>;
    unnamed: string;
  }
}
