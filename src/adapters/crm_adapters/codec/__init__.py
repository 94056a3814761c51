"""Events to stored bytes and back."""

from crm_adapters.codec.codec import Codec
from crm_adapters.codec.rows import StoredRow

__all__ = ["Codec", "StoredRow"]
