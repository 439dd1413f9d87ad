FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /srv/odzew

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY manage.py ./
COPY config config
COPY feedback feedback
COPY surveys surveys
COPY privacy privacy

# Collecting static files needs complete settings but no server: made-up ones do, and none of them stays in the image.
RUN ODZEW_ENV=production SECRET_KEY=made-up-for-the-build-made-up-for-the-build-made-up-for \
    SUPPRESSION_KEY=made-up-for-the-build-made-up-for-the-build-made-up-for \
    FIELD_ENCRYPTION_KEYS=bWFkZS11cC1rZXktZm9yLXRoZS1kZXBsb3ktY2hlY2s= \
    ALLOWED_HOSTS=localhost PUBLIC_URL=https://localhost \
    DATABASE_URL=postgres://odzew@postgres/odzew CACHE_URL=redis://redis CELERY_BROKER_URL=redis://redis \
    EMAIL_URL=smtp://mail DEFAULT_FROM_EMAIL=odzew@localhost BACKUP_WINDOW_DAYS=1 \
    python manage.py collectstatic --noinput

# Encrypted copies of people's data wait here; a volume that is mounted over it for the first time gets its owner.
RUN useradd --system --no-create-home odzew && install --directory --owner odzew --mode 700 /var/lib/odzew/packages
ENV PACKAGES_DIR=/var/lib/odzew/packages
USER odzew

EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", \
     "--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "config.wsgi:application"]
