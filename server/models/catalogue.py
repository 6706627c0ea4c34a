"""The program's own models. Importing this declares them all."""

from __future__ import annotations

from server.models.access_rule import AccessRule
from server.models.account_link import AccountLink
from server.models.api_token import ApiToken
from server.models.audit_entry import AuditEntry
from server.models.avatar import Avatar
from server.models.group import Group, GroupMember
from server.models.history_entry import HistoryEntry
from server.models.idempotency_key import IdempotencyKey
from server.models.mcp_approval import McpApproval
from server.models.mcp_offer import McpOffer
from server.models.mcp_rule import McpRule
from server.models.mcp_server import McpServer
from server.models.mcp_sign_in import McpSignIn
from server.models.mcp_tool import McpTool
from server.models.note import Note
from server.models.notification import Notification
from server.models.oauth_client import OAuthClient
from server.models.oauth_token import OAuthToken
from server.models.own_model import OwnModel
from server.models.own_tool import OwnTool
from server.models.plugin import Plugin
from server.models.preference import Preference
from server.models.record_tools import RecordTools
from server.models.request import Request
from server.models.schedule import Schedule
from server.models.second_factor import RecoveryCode, SecondFactor
from server.models.secret import Secret
from server.models.session import Session
from server.models.setting import Setting
from server.models.stored_file import StoredFile
from server.models.task import Task
from server.models.tool_call import ToolCall
from server.models.user import User
from server.models.webhook import Webhook
from server.models.webhook_delivery import WebhookDelivery

OWN_MODELS = (
    User, Session, ApiToken, Group, GroupMember, AccessRule, Setting, Notification, Note, McpServer, Task,
    HistoryEntry, OwnModel, StoredFile, Secret, SecondFactor, RecoveryCode, AccountLink, AuditEntry,
    OAuthClient, OAuthToken, RecordTools, Plugin, McpSignIn,
    ToolCall, Preference, Avatar, McpRule, McpTool, McpApproval,
    Webhook, WebhookDelivery, Schedule, OwnTool, McpOffer, Request, IdempotencyKey,
)  # fmt: skip
